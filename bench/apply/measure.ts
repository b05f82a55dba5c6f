import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../test/servers/redis.js';
import type { Applier } from './applier.js';

export interface ApplyRun {
  readonly eventsPerSecond: number;
  /** CPU of Redis's main thread, microseconds per event. */
  readonly redisUs: number;
  /** CPU of this process, microseconds per event. */
  readonly nodeUs: number;
}

/** Events that are made and applied at a time while pairs are filled. */
const filledAtATime = 100_000;

/** A Redis of its own with one way of applying, over so many pairs. */
export class Measured {
  readonly runs: ApplyRun[] = [];
  /** What Redis holds of each pair, in bytes, when it is filled. */
  bytesPerPair = Number.NaN;
  private applied = 0;

  private constructor(
    private readonly redis: RedisServer,
    private readonly client: Redis,
    private readonly applier: Applier,
    private readonly pairs: number,
  ) {}

  static async open(pairs: number, openApplier: (url: string) => Promise<Applier>): Promise<Measured> {
    const redis = await startRedis({ own: true });
    return new Measured(redis, new Redis(redis.url), await openApplier(redis.url), pairs);
  }

  get redisVersion(): string {
    return this.redis.version;
  }

  /** Gives every pair so many events. */
  async fill(eventsPerPair: number): Promise<void> {
    const before = await this.usedMemory();
    const total = eventsPerPair * this.pairs;
    while (this.applied < total) await this.apply(Math.min(filledAtATime, total - this.applied));
    this.bytesPerPair = ((await this.usedMemory()) - before) / this.pairs;
  }

  async run(events: number): Promise<void> {
    this.runs.push(await this.apply(events));
  }

  async close(): Promise<void> {
    await this.applier.close();
    await this.client.quit();
    await this.redis.stop();
  }

  private async apply(events: number): Promise<ApplyRun> {
    const work = this.applier.prepare(this.applied, events);
    const redisBefore = await this.redisCpuUs();
    const nodeBefore = process.cpuUsage();
    const startedAt = performance.now();
    await work();
    const seconds = (performance.now() - startedAt) / 1_000;
    const node = process.cpuUsage(nodeBefore);
    const redisUs = (await this.redisCpuUs()) - redisBefore;
    this.applied += events;
    await this.applier.settle(this.applied);
    return {
      eventsPerSecond: events / seconds,
      redisUs: redisUs / events,
      nodeUs: (node.user + node.system) / events,
    };
  }

  private async redisCpuUs(): Promise<number> {
    const [user, system] = await this.info('cpu', 'used_cpu_user_main_thread', 'used_cpu_sys_main_thread');
    return 1e6 * ((user ?? Number.NaN) + (system ?? Number.NaN));
  }

  private async usedMemory(): Promise<number> {
    const [bytes] = await this.info('memory', 'used_memory');
    return bytes ?? Number.NaN;
  }

  private async info(section: string, ...names: readonly string[]): Promise<number[]> {
    const text = await this.client.info(section);
    return names.map((name) => Number(new RegExp(`^${name}:(.+)$`, 'm').exec(text)?.[1]));
  }
}
