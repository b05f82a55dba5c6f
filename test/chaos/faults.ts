/** What is done to processors and servers, and what is done so that they can go on. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosBroker } from './broker.js';
import type { Fleet, Member } from './fleet.js';
import { type Point, points } from './points.js';
import type { ChaosRedis } from './redis.js';

/** What faults are done to. */
export interface World {
  readonly broker: Pick<ChaosBroker, 'server'>;
  readonly redis: Pick<ChaosRedis, 'server' | 'loseLast' | 'flushScripts'>;
  readonly fleet: Fleet;
  /** Processors that may be killed or put to sleep. */
  readonly victims: () => readonly Member[];
  /** Processors that run while nothing is done to them. */
  readonly size: number;
  readonly random: () => number;
}

export interface Fault {
  readonly name: string;
  /** It kills a process or a server. */
  readonly kills: boolean;
  /** Redis loses writes that it had taken. */
  readonly losesWrites?: true;
  /**
   * Does it, and resolves at its last stroke: when a processor was killed or goes on, when a server is up again.
   * False: it did not come to it.
   */
  inject(world: World): Promise<boolean>;
}

/** Ack wait of JetStream and session timeout of Kafka in these tests, in ms. */
export const ackWaitMs = 5_000;
export const sessionTimeoutMs = 6_000;
/** A process sleeps for so long: it is taken for dead, and its lease is another's. */
const sleepMs = sessionTimeoutMs + 2_000;
/** How long a point is waited for, in ms. */
const pointMs = 10_000;
/** A point is passed up to so many times before. */
const mostSkipped = 12;

const killAnyone: Fault = {
  name: 'kill',
  kills: true,
  inject: async ({ victims, random }) => {
    const member = anyOf(victims(), random);
    if (member === null) return false;
    member.signal('SIGKILL');
    await member.ended;
    return true;
  },
};

const stopAnyone: Fault = {
  name: 'stop',
  kills: false,
  inject: async ({ victims, random }) => {
    const member = anyOf(victims(), random);
    if (member === null) return false;
    member.signal('SIGSTOP');
    await pause(sleepMs);
    member.signal('SIGCONT');
    return true;
  },
};

const killAt = (point: Point): Fault => ({
  name: `kill-${point}`,
  kills: true,
  inject: async (world) => (await firstTo(world, point, 'SIGKILL')) !== null,
});

const stopAt = (point: Point): Fault => ({
  name: `stop-${point}`,
  kills: false,
  inject: async (world) => {
    const member = await firstTo(world, point, 'SIGSTOP');
    if (member === null) return false;
    await pause(sleepMs);
    // Another may have come to the point at the same moment.
    for (const sleeping of world.fleet.all) sleeping.signal('SIGCONT');
    return true;
  },
});

const killBroker: Fault = {
  name: 'kill-broker',
  kills: true,
  inject: async ({ broker }) => {
    await broker.server.kill();
    await broker.server.restart();
    return true;
  },
};

const killRedis: Fault = {
  name: 'kill-redis',
  kills: true,
  inject: async ({ redis }) => {
    await redis.server.kill();
    await redis.server.restart();
    return true;
  },
};

const loseSecond: Fault = {
  name: 'lose-second',
  kills: true,
  losesWrites: true,
  inject: async ({ redis, random }) => {
    await redis.loseLast(200 + 800 * random());
    return true;
  },
};

const flushScripts: Fault = {
  name: 'script-flush',
  kills: false,
  inject: async ({ redis }) => {
    await redis.flushScripts();
    return true;
  },
};

const scale: Fault = {
  name: 'scale',
  kills: false,
  inject: async ({ fleet, size, random }) => {
    await fleet.scale(1);
    await pause(300 * random());
    await fleet.scale(4);
    await pause(1_000 * random());
    await fleet.scale(1);
    await pause(300 * random());
    await fleet.scale(size);
    return true;
  },
};

/** Two at a time; those that change how many processors there are stay alone. */
const storm: Fault = {
  name: 'storm',
  kills: true,
  inject: async (world) => {
    const { random } = world;
    const among = [killAnyone, killAt('after-apply'), stopAnyone, killBroker, killRedis, flushScripts];
    const inject = async (): Promise<boolean> => {
      await pause(1_000 * random());
      const [fault] = among.splice(Math.floor(random() * among.length), 1);
      return fault?.inject(world) ?? false;
    };
    return (await Promise.all([inject(), inject()])).includes(true);
  },
};

/** Every fault there is. */
export const faults: readonly Fault[] = [
  killAnyone,
  ...points.map(killAt),
  stopAnyone,
  ...(['before-apply', 'before-publish', 'before-acknowledge', 'before-delete'] as const).map(stopAt),
  killBroker,
  killRedis,
  loseSecond,
  flushScripts,
  scale,
  storm,
];

/** Those of these names, or whose names begin so. @throws RangeError when there is none */
export function faultsNamed(names: readonly string[]): readonly Fault[] {
  return names.flatMap((name) => {
    const exact = faults.filter((fault) => fault.name === name);
    const found = exact.length > 0 ? exact : faults.filter((fault) => fault.name.startsWith(name));
    if (found.length > 0) return found;
    throw new RangeError(`--only ${name}: there is ${faults.map((fault) => fault.name).join(', ')}`);
  });
}

/** Whoever comes to the point first does it. Two may, at the same moment. */
async function firstTo(world: World, point: Point, signal: 'SIGKILL' | 'SIGSTOP'): Promise<Member | null> {
  const { victims, random } = world;
  const skip = Math.floor(mostSkipped * random());
  const armed = victims();
  const given = new AbortController();
  const reached = armed.map((member) => member.arm({ point, signal, skip }).then(() => member));
  const late = pause(pointMs, null, { signal: given.signal }).catch(() => null);
  const first = await Promise.race([...reached, late]);
  given.abort();
  for (const member of armed) if (!member.isGone) await member.arm(null);
  return first;
}

function anyOf<T>(from: readonly T[], random: () => number): T | null {
  return from[Math.floor(random() * from.length)] ?? null;
}
