/** Fleets for the tests of clients: real servers, policies by tenant. */
import { writeFileSync } from 'node:fs';
import type { FleetOptions } from '../../src/client/index.js';
import { systemClock } from '../../src/clock.js';
import type { Broker, SinkMessage, TrustStore } from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { MemoryStore } from '../../src/store/memory.js';
import { KafkaBroker } from '../../src/streams/kafka/broker.js';
import { defaultKafkaOptions } from '../../src/streams/kafka/options.js';
import { NatsBroker } from '../../src/streams/nats/broker.js';
import { defaultNatsOptions } from '../../src/streams/nats/options.js';
import { makePairId } from '../../src/trust/pair.js';
import { PolicyBook, type PolicyDocument } from '../../src/trust/policies.js';
import type { CommandLine } from '../helpers/cli.js';
import { getFrom } from '../helpers/http.js';
import { startKafka } from '../servers/kafka.js';
import { freePort } from '../servers/loopback.js';
import { startNats } from '../servers/nats.js';

/** By what a tenant begins with: what its circuits do. All others have the defaults. */
const policies: PolicyDocument['policies'] = [
  { name: 'shadow', match: { tenant: 'shadow*' }, trust: {}, enforced: false },
  { name: 'cooling', match: { tenant: 'cooling*' }, trust: { recoveryCooldownSeconds: 1 }, enforced: true },
  {
    name: 'leased',
    match: { tenant: 'leased*' },
    // Opens after three failures in a row, and closes after four probes that went well.
    trust: { opening: 'change', evidence: 100, recoveryCooldownSeconds: 1, probes: 'leased' },
    enforced: true,
  },
];

export interface RunningFleet {
  /** How a client reaches it. */
  readonly address: Pick<FleetOptions, 'nats' | 'kafka' | 'http'>;
  /** How many interactions of a pair were applied. */
  count(tenant: string, agentA: string, agentB: string): Promise<number>;
  /** Publishes what is no circuit event; null: its stream is the server's own. */
  readonly publishCircuit: ((message: Omit<SinkMessage, 'channel'>) => Promise<void>) | null;
  /** Ends the server that clients talk to, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, where it was. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function fleetOnNats(): Promise<RunningFleet> {
  const server = await startNats({ own: true });
  const broker = await NatsBroker.connect({ ...defaultNatsOptions, servers: [server.url] });
  return onBroker(server, broker, { nats: server.url });
}

export async function fleetOnKafka(): Promise<RunningFleet> {
  const server = await startKafka({ own: true });
  const { brokers } = server;
  // As short as a broker allows: it is killed, and nobody wants to wait for that to be noticed.
  const settings = { brokers: [...brokers], partitions: 1, sessionTimeoutMs: 6_000 };
  const broker = await KafkaBroker.connect({ ...defaultKafkaOptions, ...settings });
  return onBroker(server, broker, { kafka: settings });
}

/** A processor in this process, with its state in memory: it outlives the broker. */
export async function onBroker(
  server: { kill(): Promise<void>; restart(): Promise<void>; stop(): Promise<void> },
  broker: Broker,
  address: RunningFleet['address'],
): Promise<RunningFleet> {
  const store = new MemoryStore();
  const book = new PolicyBook({ version: 1, default: {}, policies });
  const processor = new Processor({
    store,
    interactions: [await broker.consume('interactions')],
    commands: await broker.consume('commands'),
    circuits: broker.sink,
    deadLetters: broker.sink,
    policies: () => book,
    clock: systemClock,
    idleMs: 50,
  });
  const running = processor.run();
  // The topic is there for clients that come at once.
  await (await broker.follow('circuits', 'now')).close();
  return {
    address,
    count: (...pair) => countIn(store, ...pair),
    publishCircuit: async (message) => broker.sink.publish([{ channel: 'circuits', ...message }]),
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: async () => {
      await processor.stop(0);
      await running;
      await broker.close();
      await server.stop();
    },
  };
}

async function countIn(store: TrustStore, tenant: string, agentA: string, agentB: string): Promise<number> {
  const pair = await store.read(tenant, makePairId(agentA, agentB));
  return pair?.state?.interactionCount ?? 0;
}

/** `up` on a folder, in a process of its own. */
export async function fleetOnHttp(command: CommandLine): Promise<RunningFleet> {
  const [data, config] = [command.fresh(), `${command.fresh()}.json`];
  writeFileSync(config, JSON.stringify({ policies }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = () => command.up(data, ['--config', config, '--port', String(port)]);
  let server = await start();
  return {
    address: { http: url },
    count: async (tenant, agentA, agentB) => {
      const query = new URLSearchParams({ tenant, agent_a: agentA, agent_b: agentB });
      const { status, body } = await getFrom(url, `/v1/pairs?${query}`);
      return status === 404 ? 0 : Number(body['interaction_count']);
    },
    publishCircuit: null,
    kill: async () => void (await server.kill('SIGKILL')),
    restart: async () => {
      server = await start();
    },
    stop: async () => void (await server.kill('SIGTERM')),
  };
}
