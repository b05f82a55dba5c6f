import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

export interface Launch {
  /** For the log and errors, e.g. `redis`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asks the server; throws while it is not ready. */
  readonly ready: () => Promise<unknown>;
  readonly folder: ServerFolder;
}

/** Where a server keeps data and log. */
export interface ServerFolder {
  /** Ours alone: for files that are no data. */
  readonly root: string;
  readonly data: string;
  readonly log: string;
  /** Removes what is only ours: not data that the caller keeps, not the log when it is to be read. */
  remove(): void;
}

export function serverFolder(name: string, data?: string): ServerFolder {
  const root = mkdtempSync(join(tmpdir(), `fulcrum-test-${name}-`));
  const folder = { root, data: data ?? join(root, 'data'), log: join(root, 'server.log') };
  mkdirSync(folder.data, { recursive: true });
  const remove = (): void => {
    rmSync(keptLogs.has(folder.log) ? join(root, 'data') : root, { recursive: true, force: true });
  };
  return { ...folder, remove };
}

/** Logs of servers that were up when a test failed. */
const keptLogs = new Set<string>();

const running = new Set<ServerProcess>();

process.once('exit', () => {
  for (const server of running) void server.kill();
});

/** A server of our own in a process of its own. It does not outlive this process. */
export class ServerProcess {
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  private constructor(private readonly launch: Launch) {}

  /** Resolves when the server is ready. @throws Error with the end of its log when it does not come up */
  static async start(launch: Launch): Promise<ServerProcess> {
    const server = new ServerProcess(launch);
    running.add(server);
    await server.start();
    return server;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.launch.name} does not run`);
    return pid;
  }

  get log(): string {
    return this.launch.folder.log;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Ends it as a crash does, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends it in peace if it still runs, and starts it again with the same settings and data. */
  async restart(): Promise<void> {
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGTERM');
    await this.#exited;
    await this.start();
  }

  /** Ends it at once and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    running.delete(this);
    this.launch.folder.remove();
  }

  private async start(): Promise<void> {
    const { name, command, args, env, ready, folder } = this.launch;
    const log = openSync(folder.log, 'a');
    const child = spawn(...dyingWithUs(command, args), {
      stdio: ['ignore', log, log],
      cwd: folder.data,
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#child = child;
    let ended: string | undefined;
    this.#exited = Promise.race([once(child, 'exit'), once(child, 'error')]).then(([how, signal]) => {
      ended = `${name} ended with ${how ?? signal}`;
      this.#child = undefined;
    });
    const isUp = async (): Promise<boolean> => {
      if (ended === undefined) await ready();
      return true;
    };
    await until(`${name} answers`, isUp, 45_000).catch(async (cause) => {
      keptLogs.add(folder.log);
      await this.stop();
      throw new Error(`${name} does not answer\n${this.endOfLog()}`, { cause });
    });
    if (ended === undefined) return;
    keptLogs.add(folder.log);
    await this.stop();
    throw new Error(`${ended}\n${this.endOfLog()}`);
  }

  private endOfLog(): string {
    const lines = readFileSync(this.log, 'utf8').trimEnd().split('\n');
    return `Its log, ${this.log}, ends so:\n${lines.slice(-20).join('\n')}`;
  }
}

/** The system ends the server with its parent, however that ends, where it can. The process id stays the server's. */
function dyingWithUs(command: string, args: readonly string[]): [string, string[]] {
  const setpriv = '/usr/bin/setpriv';
  if (!existsSync(setpriv)) return [command, [...args]];
  return [setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]];
}

/** What runs just now, for one who will stop what came later. */
export function runningServers(): ReadonlySet<ServerProcess> {
  return new Set(running);
}

/** Stops all servers but these. */
export async function stopServers(but: ReadonlySet<ServerProcess>): Promise<void> {
  await Promise.all(Array.from(running).flatMap((server) => (but.has(server) ? [] : server.stop())));
}

/** Keeps the logs of the servers that run, beyond their stop; returns where they are. */
export function keepLogs(): readonly string[] {
  return Array.from(running, ({ log }) => {
    keptLogs.add(log);
    return log;
  });
}
