import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { project } from '../project.js';

/** What a figure was measured on: it says nothing without it. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Of Node, and of the packages and servers that the benchmark uses, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** @param servers versions of the servers by name */
export function machine(
  packages: readonly string[],
  servers: Readonly<Record<string, string>> = {},
): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    versions: {
      node: process.version.slice(1),
      ...servers,
      ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    },
  };
}

function versionOf(name: string): string {
  const file = join(project, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
