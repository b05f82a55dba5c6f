/** Writes the JSON Schemas of all events into a folder: `node write-schemas.js <folder>`. Part of the build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { publishedSchemas } from './schemas.js';

const folder = process.argv[2] ?? 'schemas';
mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(publishedSchemas)) {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  writeFileSync(
    join(folder, `${name}.schema.json`),
    `${JSON.stringify({ title: name, ...json }, null, 2)}\n`,
  );
}
