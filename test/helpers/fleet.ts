/** Processes of one fleet on real servers, through the built command line. */
import { type Channel, channels } from '../../src/ports.js';
import type { CommandLine, Ended, StartedCommand, Up } from './cli.js';

export interface Fleet {
  readonly environment: NodeJS.ProcessEnv;
  /** Starts `process` and waits until it works. */
  process(...flags: string[]): Promise<StartedCommand & { readonly url?: string }>;
  /** Starts `analyze` as a worker and waits until it works. Those of a fleet share a folder of transcripts, one at a time. */
  analyser(...flags: string[]): Promise<StartedCommand & { readonly url?: string }>;
  /** Starts `up` on the broker, at a free port, and waits until it listens. */
  up(...flags: string[]): Promise<Up>;
  watch(): Promise<StartedCommand>;
  run(...args: string[]): Promise<Ended>;
}

export interface FleetServers {
  readonly source: 'nats' | 'kafka';
  /** Flag of the broker, e.g. `['--nats', url]`. */
  readonly broker: readonly string[];
  /** Flag of Redis; none where no process uses it. */
  readonly redis: readonly string[];
}

/** What the names of a fleet's streams and topics of a channel end with. */
export function streamOf(channel: Channel): string {
  return channel.replace('-', '_').toUpperCase();
}

/** The group in which the analysers of a fleet read a topic of Kafka. */
export function analyserGroupOf(fleet: string): string {
  return `${fleet}-analyser`;
}

/** A fleet of its own on servers that others use too: streams, topics and keys have `name` in them. */
export function fleetOn({ start, run, fresh }: CommandLine, servers: FleetServers, name: string): Fleet {
  const { source, broker, redis } = servers;
  const environment: NodeJS.ProcessEnv = { FULCRUM_REDIS_PREFIX: name };
  for (const part of channels.map(streamOf)) {
    environment[`FULCRUM_NATS_STREAMS_${part}`] = `${name}_${part}`;
    environment[`FULCRUM_KAFKA_TOPICS_${part}`] = `${name}.${part}`;
  }
  environment['FULCRUM_NATS_SUBJECT_PREFIX'] = name;
  environment['FULCRUM_KAFKA_GROUP_ID'] = name;
  environment['FULCRUM_KAFKA_ANALYSER_GROUP_ID'] = analyserGroupOf(name);
  environment['FULCRUM_ANALYSIS_TRANSCRIPTS_FOLDER'] = fresh();
  environment['FULCRUM_ANALYSIS_TRANSCRIPTS_PREFIX'] = `${name}:transcripts`;
  // One partition: the figures are those of the log's own order.
  environment['FULCRUM_KAFKA_PARTITIONS'] = '1';
  const started = async (args: readonly string[]) => {
    const command = start([...args, '--json'], { environment });
    const said = JSON.parse(await command.prints('stdout', /^.+(?=\n)/)) as { url: string };
    return Object.assign(command, said);
  };
  return {
    environment,
    process: (...flags) => started(['process', '--source', source, ...broker, ...redis, ...flags]),
    analyser: (...flags) => started(['analyze', ...broker, ...redis, ...flags]),
    up: (...flags) => started(['up', '--port', '0', ...broker, ...flags]),
    watch: async () => {
      const command = start(['watch', ...broker, '--json'], { environment });
      await command.prints('stderr', /watching/);
      return command;
    },
    run: (...args) => run(args, { environment }),
  };
}
