/** A Redis of the driver's own with an append-only file, which can crash, and lose the end of that file. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisStore } from '#dist/store/redis/store.js';
import type { Pair } from '../../src/trust/record.js';
import { startRedis } from '../servers/redis.js';
import type { TestServer } from '../servers/server.js';

const allShards = Array.from({ length: 16 }, (_, shard) => shard);
/** How often the size of the append-only file is looked at, and how far back it is remembered, in ms. */
const lookEveryMs = 20;
const rememberedMs = 3_000;

export interface ChaosRedis {
  readonly server: TestServer;
  readonly url: string;
  /** Ends it as a crash of its machine does: what was written within the last `ms` is gone. Resolves when it is up. */
  loseLast(ms: number): Promise<void>;
  flushScripts(): Promise<void>;
  /** Entries of all outboxes. @throws Error while it does not answer */
  outbox(): Promise<number>;
  /** Shards whose mark is of a server before this one: what it lost is not known to be there again. */
  unmarked(): Promise<number>;
  read(tenant: string, pairId: string): Promise<Pair | null>;
  close(): Promise<void>;
}

export async function startChaosRedis(): Promise<ChaosRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'fulcrum-chaos-redis-'));
  const persisted = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
  const server = await startRedis({ own: true, dir, args: persisted });
  const client = new Redis(server.url, { maxRetriesPerRequest: 0, retryStrategy: () => 100 });
  // What fails is told to who asked.
  client.on('error', () => {});
  const file = new AppendOnlyFile(join(dir, 'appendonlydir'));
  let store: RedisStore | null = null;
  return {
    server,
    url: server.url,
    loseLast: async (ms) => {
      const since = performance.now() - ms;
      await server.kill();
      file.cutTo(since);
      await server.restart();
    },
    flushScripts: async () => {
      await client.script('FLUSH');
    },
    outbox: async () => {
      const lengths = await Promise.all(allShards.map((shard) => client.xlen(`ft:{${shard}}:outbox`)));
      return lengths.reduce((sum, length) => sum + length, 0);
    },
    unmarked: async () => {
      const runId = /^run_id:(\w+)/m.exec(await client.info('server'))?.[1];
      const marked = await Promise.all(allShards.map((shard) => client.hget(`ft:{${shard}}:mark`, 'run_id')));
      return marked.filter((known) => known !== runId).length;
    },
    read: async (tenant, pairId) => {
      store ??= await RedisStore.open({ url: server.url, create: false });
      return store.read(tenant, pairId);
    },
    close: async () => {
      file.close();
      client.disconnect();
      await store?.close();
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** How the append-only file grew: the newest of its parts is the one that is written to. */
class AppendOnlyFile {
  private readonly sizes: { readonly at: number; readonly path: string; readonly bytes: number }[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly folder: string) {
    this.timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  /** Removes what was written to it after a moment; the part that was begun after it loses all. */
  cutTo(moment: number): void {
    const path = this.newest();
    const before = this.sizes.filter((size) => size.path === path && size.at <= moment).at(-1);
    truncateSync(path, before?.bytes ?? 0);
    this.sizes.length = 0;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = performance.now();
    try {
      const path = this.newest();
      this.sizes.push({ at: now, path, bytes: statSync(path).size });
    } catch {
      // Redis puts another part in its place just now.
    }
    while ((this.sizes[0]?.at ?? now) < now - rememberedMs) this.sizes.shift();
  }

  private newest(): string {
    const part = (name: string): number => Number(/\.(\d+)\.incr\.aof$/.exec(name)?.[1] ?? 0);
    const [newest] = readdirSync(this.folder)
      .filter((name) => name.endsWith('.incr.aof'))
      .sort((a, b) => part(b) - part(a));
    if (newest === undefined) throw new Error(`${this.folder} has no append-only file`);
    return join(this.folder, newest);
  }
}
