/** The built command line as its user has it: child processes, what they print, how they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { freshPaths } from './folders.js';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface CommandOptions {
  /** What it reads on standard input. */
  readonly input?: string;
  /** Set over an environment without any variable of ours. */
  readonly environment?: NodeJS.ProcessEnv;
  /** A file for its standard output: unlike a pipe it has all that was written when the command is killed. */
  readonly outputFile?: string;
}

/** How a command ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that has been started. */
export class StartedCommand {
  readonly ended: Promise<Ended>;
  private readonly printed = { stdout: '', stderr: '' };
  private readonly listeners = new Set<() => void>();
  /** It has ended, and all that it printed is here. */
  private over = false;

  constructor(private readonly child: ChildProcess) {
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this.printed[stream] += text;
        for (const listener of this.listeners) listener();
      });
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        this.over = true;
        resolve({ code, ...this.printed });
        for (const listener of this.listeners) listener();
      });
    });
  }

  get stdout(): string {
    return this.printed.stdout;
  }

  get stderr(): string {
    return this.printed.stderr;
  }

  /** Resolves with the first match of what it has printed; rejects when it ends without. */
  prints(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.printed[stream]);
        if (match === null && !this.over) return;
        this.listeners.delete(look);
        if (match !== null) resolve(match[0]);
        else reject(new Error(`ended without printing ${pattern}: ${this.stdout}\n${this.stderr}`));
      };
      this.listeners.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** A running `up`. */
export interface Up extends StartedCommand {
  readonly url: string;
}

/** The command line, for one file of tests: what is still running when they are done is killed. */
export interface CommandLine {
  /** A path that nothing is at yet. */
  fresh(): string;
  /** Starts a command in an empty folder of the file's own. */
  start(args: readonly string[], options?: CommandOptions): StartedCommand;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  /** Starts `up` on a free port and waits until it listens. */
  up(dataDir: string, args?: readonly string[]): Promise<Up>;
}

export function commandLine(): CommandLine {
  const fresh = freshPaths();
  const folder = fresh();
  mkdirSync(folder);
  const running = new Set<StartedCommand>();
  afterAll(async () => {
    await Promise.all([...running].map((command) => command.kill('SIGKILL')));
  });

  const start: CommandLine['start'] = (args, { input, environment, outputFile } = {}) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FULCRUM_'));
    const output = outputFile === undefined ? 'pipe' : openSync(outputFile, 'a');
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: folder,
      stdio: ['pipe', output, 'pipe'],
      env: { ...Object.fromEntries(inherited), ...environment },
    });
    // It may have ended before it read all.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
    if (output !== 'pipe') closeSync(output);
    const command = new StartedCommand(child);
    running.add(command);
    void command.ended.then(() => running.delete(command));
    return command;
  };

  return {
    fresh,
    start,
    run: (args, options) => start(args, options).ended,
    up: async (dataDir, args = []) => {
      const command = start(['up', '--port', '0', '--json', '--data', dataDir, ...args]);
      const { url } = JSON.parse(await command.prints('stdout', /^.+(?=\n)/)) as { url: string };
      return Object.assign(command, { url });
    },
  };
}

/** The objects of output that is one JSON object a line. */
export function jsonLines<T = Record<string, unknown>>(stdout: string): T[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
