import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';

const running = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** A process that is measured. It does not outlive this one. */
export class Child {
  /** Rejects when it ends before it is told to. */
  readonly failed: Promise<never>;
  private readonly ended: Promise<unknown>;
  private stopping = false;
  private said = '';

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    running.add(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said = (this.said + text).slice(-10_000);
      });
    this.ended = once(child, 'close').finally(() => running.delete(child));
    this.failed = this.ended.then(() => {
      if (this.stopping) return new Promise<never>(() => {});
      throw new Error(`${this.name} ended before its work was done:\n${this.said}`);
    });
    this.failed.catch(() => {});
  }

  /** Runs this Node on these arguments, without any variable that would configure what is measured. */
  static node(name: string, args: readonly string[]): Child {
    const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('FULCRUM_'));
    const env = Object.fromEntries(inherited);
    return new Child(
      name,
      spawn(process.execPath, args, { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} could not be started`);
    return this.child.pid;
  }

  /** Ends it in peace; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.child.kill('SIGTERM');
    await this.ended;
  }
}
