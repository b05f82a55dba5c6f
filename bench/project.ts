import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The project's folder, wherever this file was compiled to. */
export const project = dirname(createRequire(import.meta.url).resolve('fulcrum-trust/package.json'));

/** The built command line. */
export const cli = join(project, 'dist', 'cli.js');
