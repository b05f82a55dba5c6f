import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.js';
import { loopback } from './loopback.js';

export interface KafkaSettings {
  readonly ports: { readonly client: number; readonly broker: number; readonly controller: number };
  /** Folder of the logs. */
  readonly data: string;
  readonly sasl?: Readonly<Record<string, string>>;
  readonly tls?: Certificates;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A node of its own that starts fast and keeps its internal topics small. */
const smallAndQuick = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'auto.create.topics.enable': 'false',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'num.recovery.threads.per.data.dir': '1',
  'background.threads': '2',
  'log.cleaner.dedupe.buffer.size': '4194304',
  'log.index.size.max.bytes': '1048576',
  // A restarted broker is not taken back before the session of its predecessor has ended.
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '400',
};

/** The text of `server.properties`; writes the key file of TLS into `folder`. */
export function kafkaProperties(settings: KafkaSettings, folder: string): string {
  const { ports, sasl, tls } = settings;
  const client = tls ? (sasl ? 'SASL_SSL' : 'SSL') : sasl ? 'SASL_PLAINTEXT' : 'PLAINTEXT';
  const at = (name: string, port: number): string => `${name}://${loopback}:${port}`;
  const properties: Record<string, string> = {
    ...smallAndQuick,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${loopback}:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'BROKER',
    listeners: [
      at('CLIENT', ports.client),
      at('BROKER', ports.broker),
      at('CONTROLLER', ports.controller),
    ].join(','),
    'advertised.listeners': [at('CLIENT', ports.client), at('BROKER', ports.broker)].join(','),
    'listener.security.protocol.map': `CLIENT:${client},BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': settings.data,
    ...(sasl ? saslProperties(sasl) : {}),
    ...(tls ? tlsProperties(tls, folder) : {}),
    ...settings.properties,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function saslProperties(passwords: Readonly<Record<string, string>>): Record<string, string> {
  const users = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`);
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  return {
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': `${module} required ${users.join(' ')};`,
  };
}

function tlsProperties(tls: Certificates, folder: string): Record<string, string> {
  const file = join(folder, 'server.pem');
  writeFileSync(file, readFileSync(tls.key, 'utf8') + readFileSync(tls.cert, 'utf8'));
  return {
    'listener.name.client.ssl.keystore.type': 'PEM',
    'listener.name.client.ssl.keystore.location': file,
  };
}

/** Log4j's: what it says goes to its output, which the helper keeps in a file. */
export const logProperties = `
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
`;
