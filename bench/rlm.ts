/**
 * The analyser without a model: loops planted at any position of sessions of any size, loop-free sessions, speed and
 * memory, and labelled transcripts, beside the reference's baselines and exact rules.
 * `--only planted,free,reference,speed,beside,labelled,cross,sweep`; all but the last two by default. `--sizes`, `--seed`,
 * `--sessions` (loop-free ones of the smallest size), `--data FILE`, `--json`.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { count } from './flags.js';
import { machine } from './measure/machine.js';
import { machineText, printJson } from './measure/print.js';
import { readLabelled } from './rlm/labelled.js';
import { crossSection, labelledSection, sweepSection } from './rlm/labelled-sections.js';
import {
  besideSection,
  freeSection,
  plantedSection,
  referenceSection,
  speedSection,
} from './rlm/planted-sections.js';
import type { Section } from './rlm/section.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'planted,free,reference,speed,beside,labelled' },
    sizes: { type: 'string', default: '100000,1000000,10000000' },
    sessions: { type: 'string', default: '100' },
    seed: { type: 'string', default: '20260' },
    data: { type: 'string', default: '../shared/data/loops_dev.jsonl.gz' },
    json: { type: 'boolean', default: false },
  },
});
const sizes = values.sizes.split(',').map((size) => count('sizes', size));
const seed = count('seed', values.seed);
const sessions = count('sessions', values.sessions);
const rows = existsSync(values.data) ? readLabelled(values.data) : null;
const wanted = new Set(values.only.split(','));

const sections: Readonly<Record<string, () => Promise<Section>>> = {
  planted: () => plantedSection(sizes, seed),
  free: () => freeSection(sizes, seed, sessions),
  reference: () => referenceSection(),
  speed: () => speedSection(sizes, seed),
  beside: () => besideSection(sizes, seed),
  labelled: () => labelledSection(rows ?? []),
  cross: () => crossSection(rows ?? []),
  sweep: () => sweepSection(rows ?? []),
};
const unknown = [...wanted].filter((name) => !(name in sections));
if (unknown.length > 0)
  throw new RangeError(`--only ${unknown.join(',')}: must be of ${Object.keys(sections).join(',')}`);

const on = machine(['zod']);
if (!values.json) console.log(`${machineText(on)}\n`);
const results: Record<string, unknown> = {};
for (const [name, run] of Object.entries(sections)) {
  if (!wanted.has(name)) continue;
  if (rows === null && ['labelled', 'cross', 'sweep'].includes(name)) {
    if (!values.json) console.log(`${name}: ${values.data} is not there\n`);
    continue;
  }
  const { title, lines, data } = await run();
  results[name] = data;
  if (!values.json) console.log(`${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}
if (values.json) printJson({ machine: on, results });
