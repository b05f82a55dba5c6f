/** The embedded store in another process, built from the sources as they are. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ApplyBatch, ApplyResult } from '../../src/ports.js';

const project = fileURLToPath(new URL('../../', import.meta.url));

/** Compiles the sources into a new folder; returns the URL of the embedded store's module. */
export function buildStore(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  const compiler = join(project, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = [
    '--noCheck',
    '--declaration',
    'false',
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
  ];
  const sources = ['-p', join(project, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')];
  execFileSync(process.execPath, [compiler, ...sources, ...options], { stdio: 'inherit' });
  return pathToFileURL(join(folder, 'dist', 'store', 'embedded', 'store.js')).href;
}

export interface OtherProcess {
  /** What came of its batch; absent when it was refused. */
  readonly results?: readonly ApplyResult[];
  readonly refused?: { readonly code: string; readonly message: string };
  /** Lets it close the store and end. */
  stop(): Promise<void>;
  /** Kills it, as the system does when memory is short: nothing of it runs any more. */
  kill(): Promise<void>;
}

/** Starts a process that opens `folder`, applies `batch` and then holds the folder. */
export async function holdStore(module: string, folder: string, batch: ApplyBatch): Promise<OtherProcess> {
  const script = fileURLToPath(new URL('hold-store.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, module, folder, JSON.stringify(batch)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  if (typeof said[0] !== 'string')
    throw new Error(`the other process ended with ${said[0]} and said nothing`);
  return {
    ...(JSON.parse(said[0]) as Pick<OtherProcess, 'results' | 'refused'>),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
