/** A projector on real servers, and what others see of it. */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { AgentEvent, Broker } from '../../src/ports.js';
import { Projector, type ProjectorOptions } from '../../src/projections/projector.js';
import { agentKeys } from '../../src/store/redis/agent-keys.js';
import { openProjectionRedis } from '../../src/store/redis/projection.js';
import { until } from '../servers/until.js';
import { circuitMessageOf, type Move } from './given.js';

export interface Given extends Partial<ProjectorOptions> {
  readonly broker: Broker;
  readonly redisUrl: string;
  /** Where the keys are, if elsewhere. */
  readonly keysUrl?: string;
  readonly prefix?: string;
  readonly leaseMs?: number;
}

export interface RunningProjector {
  readonly projector: Projector;
  /** What it told, in order. */
  readonly told: readonly AgentEvent[];
  /** Ends it as `process` does. */
  stop(): Promise<void>;
}

/** A name that nobody else has: agent keys are everybody's. */
export const unique = (name = 'x'): string => `${name}-${randomBytes(4).toString('hex')}`;

/** Starts a projector that compares every 50 ms, until the test ends. */
export async function startProjector(given: Given): Promise<RunningProjector> {
  const { broker, redisUrl, keysUrl = redisUrl, prefix = unique('p'), leaseMs = 5_000, ...options } = given;
  const redis = await openProjectionRedis({
    state: { url: redisUrl, prefix },
    keys: { url: keysUrl },
    leaseMs,
    onStatus: () => {},
  });
  const told: AgentEvent[] = [];
  const projector = new Projector({
    tenant: 'default',
    follow: () => broker.follow('circuits', 'start', 'default'),
    lease: redis.lease,
    keys: redis.keys,
    telemetry: { publish: (event) => told.push(event) },
    clock: () => 1_700_000_000.25,
    compareEveryMs: 50,
    weather: { failed: () => {}, recovered: () => {} },
    onProjecting: () => {},
    onForeignWrites: () => {},
    ...options,
  });
  void projector.run();
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= projector.stop().finally(() => redis.close());
    return stopped;
  };
  onTestFinished(stop);
  return { projector, told, stop };
}

/** The same, once it has caught up and written. */
export async function projecting(given: Given): Promise<RunningProjector> {
  const running = await startProjector(given);
  await isProjecting(running);
  return running;
}

export function isProjecting({ projector }: RunningProjector): Promise<unknown> {
  return until('it projects', async () => projector.counts.projecting);
}

export function publish(broker: Broker, ...moves: readonly Move[]): Promise<void> {
  return Promise.resolve(broker.sink.publish(moves.map((move) => circuitMessageOf(move))));
}

/** `state score` of an agent as its readers have it; null: nothing is there. */
export async function readAgent(redis: Redis, agent: string): Promise<string | null> {
  const [state, score] = await redis.mget(...agentKeys(agent));
  return state === null && score === null ? null : `${state} ${score}`;
}

/** Waits until an agent's keys read so. */
export async function reads(redis: Redis, agent: string, wanted: string | null): Promise<void> {
  let last: string | null = null;
  await until(`${agent} reads ${wanted}`, async () => {
    last = await readAgent(redis, agent);
    return last === wanted;
  }).catch((cause: unknown) => {
    throw new Error(`${agent} reads ${last}, not ${wanted}`, { cause });
  });
}

/** Seconds that both keys of an agent live, -1: for ever. */
export async function lifetimes(redis: Redis, agent: string): Promise<number[]> {
  return Promise.all(agentKeys(agent).map((key) => redis.ttl(key)));
}
