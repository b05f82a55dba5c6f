/** The processors under test: the built command line as its user has it, as many as there are to be just now. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Order } from './points.js';

const project = dirname(createRequire(import.meta.url).resolve('fulcrum-trust/package.json'));
const cli = join(project, 'dist', 'cli.js');
const hook = join(project, 'test', 'chaos', 'hook.mjs');

export interface FleetOptions {
  /** Arguments of `process`. */
  readonly args: readonly string[];
  /** Where the processors' logs go. */
  readonly folder: string;
  /** A guarantee that is taken away. */
  readonly without?: string | undefined;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One processor. */
export class Member {
  /** Resolves when it is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** It was asked to end. */
  expected = false;
  isGone = false;

  constructor(
    readonly name: string,
    readonly log: string,
    private readonly child: ChildProcess,
  ) {
    running.add(child);
    this.ended = once(child, 'exit').then(([code, signal]) => {
      this.isGone = true;
      running.delete(child);
      return `${code ?? signal}`;
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGTERM') this.expected = true;
    this.child.kill(signal);
  }

  /** Resolves when it came to the point; null takes an order back. */
  arm(order: Order | null): Promise<void> {
    if (this.child.connected) this.child.send({ order }, () => {});
    if (order === null) return Promise.resolve();
    const said = new Promise<void>((resolve) => this.child.once('message', () => resolve()));
    return order.signal === 'SIGKILL' ? this.ended.then(() => {}) : said;
  }
}

export class Fleet {
  private readonly members = new Set<Member>();
  private count = 0;
  /** What no fault explains. */
  readonly mishaps: string[] = [];

  constructor(private readonly options: FleetOptions) {}

  /** Those that run, the oldest first. */
  get all(): readonly Member[] {
    return [...this.members];
  }

  /** Starts and stops processors until so many run; the newest are stopped in peace. */
  async scale(size: number): Promise<void> {
    const surplus = this.all.slice(size);
    await Promise.all(surplus.map((member) => this.leave(member)));
    const missing = Math.max(0, size - this.members.size);
    await Promise.all(Array.from({ length: missing }, () => this.start()));
  }

  async stop(): Promise<void> {
    for (const member of this.all) member.signal('SIGKILL');
    await Promise.all(this.all.map(({ ended }) => ended));
  }

  private async start(): Promise<void> {
    const { args, folder, without } = this.options;
    const name = `processor-${++this.count}`;
    const log = join(folder, `${name}.log`);
    const file = openSync(log, 'a');
    const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('FULCRUM_'));
    const child = spawn(process.execPath, ['--import', hook, cli, 'process', '--json', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', file, 'ipc'],
      env: { ...Object.fromEntries(inherited), ...(without === undefined ? {} : { CHAOS_WITHOUT: without }) },
    });
    closeSync(file);
    const member = new Member(name, log, child);
    this.members.add(member);
    void member.ended.then((how) => {
      this.members.delete(member);
      if (!member.expected && how !== 'SIGKILL')
        this.mishaps.push(`${name} ended by itself with ${how}, its log: ${log}`);
    });
    // Its one line says that it works. A fault that ends it before is as good.
    if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), member.ended]);
  }

  private async leave(member: Member): Promise<void> {
    member.signal('SIGTERM');
    const patience = new AbortController();
    const how = await Promise.race([
      member.ended,
      pause(30_000, 'late', { signal: patience.signal }).catch(() => 'late'),
    ]);
    patience.abort();
    if (how === '0') return;
    this.mishaps.push(`${member.name} was told to stop and ended with ${how}, its log: ${member.log}`);
    member.signal('SIGKILL');
    await member.ended;
  }
}
