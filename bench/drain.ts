/** One reader drains a filled log through Redis, in a process of its own, while this one only looks on. */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RedisStore } from 'fulcrum-trust/processor';
import { Redis } from 'ioredis';
import type { RedisServer } from '../test/servers/redis.js';
import type { FilledLog, NaivePipeline } from './brokers/log.js';
import { Child } from './child.js';
import { pairOf } from './events.js';
import { type CpuTimes, cpuPerEvent, cpuTimes } from './measure/cpu.js';
import { cli } from './project.js';

export interface DrainRun {
  readonly eventsPerSecond: number;
  /** Microseconds per event of each process; empty where only the rate is known. */
  readonly cpuUs: CpuTimes;
}

export interface DrainSetting {
  readonly log: FilledLog;
  readonly redis: RedisServer;
}

/** Keys that show that events are being applied: more than a processor makes before. */
const keysOfWork = 100;
const lookForStartMs = 2;
const lookForEndMs = 20;
const checkedPairs = 50;

/** @param nodeFlags of the processor's process, e.g. to profile it */
export async function drainWithOurs(
  setting: DrainSetting,
  reader: string,
  nodeFlags: readonly string[] = [],
): Promise<DrainRun> {
  const { log, redis } = setting;
  const servers = [`--${log.system}`, log.address, '--redis', redis.url];
  const args = [cli, 'process', '--source', log.system, ...servers, ...log.settings(reader)];
  const run = await drain(setting, reader, () => Child.node('the processor', [...nodeFlags, ...args]));
  await checkCounts(setting);
  return run;
}

export function drainNaively(setting: DrainSetting, reader: string, naive: NaivePipeline): Promise<DrainRun> {
  const program = fileURLToPath(new URL(`naive/${naive.file}`, import.meta.url));
  const args = naive.args(reader, setting.redis.url);
  return drain(setting, reader, () => Child.node('the naive pipeline', [program, ...args]));
}

/** From the first event that is in Redis to the acknowledgement of the last. */
async function drain({ log, redis }: DrainSetting, reader: string, start: () => Child): Promise<DrainRun> {
  const client = new Redis(redis.url);
  await client.flushall();
  const child = start();
  const pids = { [log.system]: log.server.pid, redis: redis.pid, node: child.pid };
  const until = (check: () => Promise<boolean>, everyMs: number) =>
    Promise.race([polled(check, everyMs), child.failed]);

  await until(async () => (await client.dbsize()) > keysOfWork, lookForStartMs);
  const startedAt = performance.now();
  const before = cpuTimes(pids);
  await until(async () => (await log.acknowledged(reader)) >= log.events, lookForEndMs);
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = cpuTimes(pids);

  await child.stop();
  await log.forget(reader);
  await client.quit();
  return { eventsPerSecond: log.events / seconds, cpuUs: cpuPerEvent(before, after, log.events) };
}

async function polled(check: () => Promise<boolean>, everyMs: number): Promise<void> {
  // A consumer or group that the reader has not made yet is not there to be asked.
  while (!(await check().catch(() => false))) await pause(everyMs);
}

/** A figure of events that were lost or counted twice would be worth nothing. */
async function checkCounts({ log, redis }: DrainSetting): Promise<void> {
  const store = await RedisStore.open({ url: redis.url });
  for (let i = 0; i < checkedPairs; i++) {
    const index = Math.floor((i * log.pairs) / checkedPairs);
    const expected = Math.ceil((log.events - index) / log.pairs);
    const pair = await store.read('default', pairOf(index).pairId);
    const counted = pair?.state?.interactionCount ?? 0;
    if (counted !== expected) throw new Error(`pair ${index} has ${counted} events of ${expected}`);
  }
  await store.close();
}
