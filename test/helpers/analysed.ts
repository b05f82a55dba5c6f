/** Fleets with analysers, on real servers: what their agents say, and what is found of it. */
import { beforeAll, onTestFinished } from 'vitest';
import {
  type AnalysisCompletedEvent,
  type AnalysisData,
  analysisCompletedEventSchema,
  eventTypes,
} from '../../src/events/schemas.js';
import { type RedisOptions, type RedisServer, startRedis } from '../servers/redis.js';
import { startBroker } from './brokers.js';
import { type CommandLine, commandLine } from './cli.js';
import { type Fleet, fleetOn } from './fleet.js';
import type { Foreign, Found, Listening } from './foreign.js';
import { kafkaForeign } from './foreign-kafka.js';
import { natsForeign } from './foreign-nats.js';
import { pairOf, type Saying, type Talk } from './talk.js';

export interface AnalysedFleet extends Fleet {
  readonly foreign: Foreign;
  /** Has them said on the broker. */
  say(talk: Talk, sayings: readonly Saying[]): Promise<void>;
  /** Asks why a pair tripped, with a request of this id. */
  ask(talk: Talk, id: string): Promise<void>;
}

export interface AnalysedFleets {
  readonly commands: CommandLine;
  /** Flag of the broker. */
  readonly broker: readonly string[];
  /** Flag of Redis. */
  readonly redis: readonly string[];
  readonly redisServer: RedisServer;
  /** A fleet of its own. */
  fleet(name: string): Promise<AnalysedFleet>;
}

/** Starts a broker and a Redis for the fleets of a suite. */
export function analysedFleets(source: 'nats' | 'kafka', redisOptions?: RedisOptions): AnalysedFleets {
  const commands = commandLine();
  let address = '';
  let redisServer: RedisServer;
  beforeAll(async () => {
    [{ address }, redisServer] = await Promise.all([startBroker(source), startRedis(redisOptions)]);
  }, 60_000);
  return {
    commands,
    get broker() {
      return [`--${source}`, address];
    },
    get redis() {
      return ['--redis', redisServer.url];
    },
    get redisServer() {
      return redisServer;
    },
    async fleet(name) {
      const foreign = await (source === 'nats' ? natsForeign : kafkaForeign)(address, name);
      onTestFinished(() => foreign.close());
      return {
        ...fleetOn(commands, { source, broker: this.broker, redis: this.redis }, name),
        foreign,
        say: (talk, sayings) =>
          foreign.send('interactions', pairOf(talk), ...sayings.map((saying) => JSON.stringify(saying))),
        ask: (talk, id) => foreign.send('analyses', pairOf(talk), JSON.stringify(requestOf(talk, id))),
      };
    },
  };
}

function requestOf({ agents: [agentA, agentB], session }: Talk, id: string): object {
  const named = session === undefined ? {} : { session_id: session };
  return { id, agent_a: agentA, agent_b: agentB, ...named };
}

/** The first finished analysis that is so, as it lies on the broker, and its event, which is one by its schema. */
export async function completedIn(
  analyses: Listening,
  is: (data: AnalysisData) => boolean = () => true,
): Promise<{ readonly found: Found; readonly event: AnalysisCompletedEvent }> {
  const found = await analyses.first((message) => {
    if (!message.body.includes(eventTypes.analysisCompleted)) return null;
    return is((JSON.parse(message.body) as { data: AnalysisData }).data) ? message : null;
  });
  return { found, event: analysisCompletedEventSchema.parse(JSON.parse(found.body)) };
}
