/** Servers and processors of one run, and what the driver asks of them together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosBroker } from './broker.js';
import { ackWaitMs, sessionTimeoutMs } from './faults.js';
import { Fleet } from './fleet.js';
import { startChaosKafka } from './kafka.js';
import { policies } from './load.js';
import { startChaosNats } from './nats.js';
import { type ChaosRedis, startChaosRedis } from './redis.js';

export interface TheatreOptions {
  readonly source: 'nats' | 'kafka';
  /** A guarantee that is taken away from the processors: the run is a control, which has to fail. */
  readonly without?: 'positions' | 'replay' | undefined;
}

export interface Theatre {
  readonly broker: ChaosBroker;
  readonly redis: ChaosRedis;
  readonly fleet: Fleet;
  /** Where the processors' logs are. */
  readonly folder: string;
  /**
   * When all was applied, acknowledged and published, and what Redis lost is there again, by `performance.now()`.
   *
   * @returns what is still open at the deadline, where it comes first
   */
  quiet(deadline: number): Promise<number | string>;
  /** Starts the first processors, and waits until what they write first is not what a crash of Redis takes. */
  begin(processors: number): Promise<void>;
  /** All went well: the logs are removed with the rest. */
  forget(): void;
  close(): Promise<void>;
}

/** What is older is in the append-only file for good, in ms. */
const syncedWithinMs = 1_500;

export async function openTheatre({ source, without }: TheatreOptions): Promise<Theatre> {
  const folder = mkdtempSync(join(tmpdir(), 'fulcrum-chaos-'));
  const broker = await (source === 'nats'
    ? startChaosNats(ackWaitMs / 1_000)
    : startChaosKafka(sessionTimeoutMs));
  const redis = await startChaosRedis();
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ policies }));
  const quiet = ['projection.agentKeys=false', 'projection.telemetry=false'].flatMap((set) => ['--set', set]);
  const args = [...broker.args, '--redis', redis.url, '--config', config, ...quiet];
  const fleet = new Fleet({ args, folder, without });
  let forgotten = false;
  return {
    broker,
    redis,
    fleet,
    folder,
    quiet: (deadline) => untilQuiet(broker, redis, deadline),
    begin: async (processors) => {
      await fleet.scale(processors);
      await pause(syncedWithinMs);
    },
    forget: () => {
      forgotten = true;
    },
    close: async () => {
      await fleet.stop();
      await Promise.all([broker.close(), redis.close()]);
      if (forgotten) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilQuiet(
  broker: ChaosBroker,
  redis: ChaosRedis,
  deadline: number,
): Promise<number | string> {
  for (;;) {
    let open: string;
    try {
      const [lag, outbox, unmarked] = await Promise.all([broker.lag(), redis.outbox(), redis.unmarked()]);
      const now = performance.now();
      if (lag === 0 && outbox === 0 && unmarked === 0) return now;
      open = `lag is ${lag}, the outboxes hold ${outbox}, ${unmarked} shards are not marked since a restart`;
    } catch (error) {
      open = `a server does not answer: ${error}`;
    }
    if (performance.now() > deadline) return open;
    await pause(50);
  }
}
