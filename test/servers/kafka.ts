import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import type { Certificates } from './certificates.js';
import { startContainer } from './container.js';
import { type KafkaSettings, kafkaProperties, logProperties } from './kafka-settings.js';
import { freePort, loopback } from './loopback.js';
import { ServerProcess, serverFolder } from './process.js';
import { foreignServer, ownServer, serverFor, type TestServer } from './server.js';

export interface KafkaOptions {
  /** It may be killed, so not the one at an address; with any other setting it is our own too. */
  readonly own?: true;
  /** Passwords by user: clients sign in with SASL PLAIN. */
  readonly sasl?: Readonly<Record<string, string>>;
  /** Clients speak TLS. */
  readonly tls?: Certificates;
  /** Server properties beyond these. An authorizer has to allow `User:ANONYMOUS`, which the broker itself is. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Flags of the Java machine. @defaultValue little memory and a quick start */
  readonly javaFlags?: readonly string[];
  /** @defaultValue a free one */
  readonly port?: number;
  /** Where its logs are kept; not removed. @defaultValue a folder that is removed with the server */
  readonly dir?: string;
}

export interface KafkaServer extends TestServer {
  /** `host:port` of each broker: there is one, but where an address from outside names more. */
  readonly brokers: readonly string[];
}

const run = promisify(execFile);

/** Little memory and a quick start matter more than speed later. */
const quickJava = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** Starts Kafka on one node, broker and controller in one, or gives the brokers that the environment names. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const found = serverFor('kafka', Object.keys(options).length > 0);
  if (found.from === 'own') return startOwn(found.path, found.version, options);
  if (found.from === 'address') {
    const brokers = found.address.split(',').map((broker) => broker.trim());
    return Object.assign(
      foreignServer('unknown', async () => undefined),
      { brokers },
    );
  }
  const container = await startContainer({
    image: found.image,
    environment: containerEnvironment,
    upWhen: /Kafka Server started/,
  });
  const brokers = [`${loopback}:${container.port}`];
  return Object.assign(foreignServer(found.image, container.stop), { brokers });
}

async function startOwn(jars: string, version: string, options: KafkaOptions): Promise<KafkaServer> {
  const { port = await freePort(), dir, javaFlags = quickJava, ...secured } = options;
  const folder = serverFolder('kafka', dir);
  const settings: KafkaSettings = {
    ...secured,
    ports: { client: port, broker: await freePort(), controller: await freePort() },
    data: join(folder.data, 'logs'),
  };
  const file = join(folder.root, 'server.properties');
  writeFileSync(file, kafkaProperties(settings, folder.root));
  const logFile = join(folder.root, 'log4j2.properties');
  writeFileSync(logFile, logProperties);
  const java = [...javaFlags, `-Dlog4j2.configurationFile=${logFile}`, '-cp', join(jars, '*')];
  if (!existsSync(join(settings.data, 'meta.properties'))) await format(java, file);
  const server = await ServerProcess.start({
    name: 'kafka',
    command: 'java',
    args: [...java, 'kafka.Kafka', file],
    ready: () => answers(settings.ports.broker),
    folder,
  });
  return Object.assign(ownServer(server, version), { brokers: [`${loopback}:${port}`] });
}

async function format(java: readonly string[], file: string): Promise<void> {
  const cluster = ['--cluster-id', 'ZnVsY3J1bS10cnVzdC10ZQ', '--config', file];
  await run('java', [...java, 'kafka.tools.StorageTool', 'format', ...cluster], { timeout: 30_000 });
}

/** Asks on the listener that is for brokers: it wants neither TLS nor a password. */
async function answers(port: number): Promise<void> {
  const admin = new Kafka({
    brokers: [`${loopback}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0) throw new Error('no broker has registered yet');
  } finally {
    await admin.disconnect();
  }
}

const containerEnvironment = (port: number): Record<string, string> => ({
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:9093`,
  KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${loopback}:${port}`,
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
});
