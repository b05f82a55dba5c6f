/** Which servers, and which Python, the tests can use: an address, else a binary, else what was installed, else a container. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { containersAnswer } from './container.js';

export type ServerKind = 'redis' | 'nats' | 'nats 2.9' | 'kafka';

/** What a suite can need: `python` is one that has the clients of `examples/08-python`. */
export type Need = ServerKind | 'python';

/** A server on this machine: it can be given settings, killed and started again. */
export interface OwnServer {
  readonly from: 'own';
  /** Of the binary, or of the folder of Kafka's jars. */
  readonly path: string;
  readonly version: string;
}

export type Found =
  | OwnServer
  | { readonly from: 'address'; readonly address: string }
  | { readonly from: 'container'; readonly image: string };

/** Beside the project's package.json, wherever this file was compiled to: the benchmarks use it too. */
const installed = join(
  dirname(createRequire(import.meta.url).resolve('fulcrum-trust/package.json')),
  '.servers/',
);

interface Kind {
  readonly variable?: string;
  /** Absent where no container will do. */
  readonly image?: string;
  /** Where it may be on this machine: a binary, or the folder of Kafka's jars. */
  readonly places: () => readonly string[];
  readonly versionAt: (place: string) => string | undefined;
  readonly fits: (version: string) => boolean;
}

const kinds: Record<Need, Kind> = {
  redis: {
    variable: 'FULCRUM_TEST_REDIS_URL',
    image: 'redis:7',
    places: () => [...onPath('redis-server', 'valkey-server'), join(installed, 'redis/usr/bin/redis-server')],
    versionAt: binaryVersion,
    fits: (version) => Number.parseInt(version, 10) >= 7,
  },
  nats: {
    variable: 'FULCRUM_TEST_NATS_URL',
    image: 'nats:2',
    places: () => [...onPath('nats-server'), join(installed, 'nats/usr/sbin/nats-server')],
    versionAt: binaryVersion,
    fits: (version) => !version.startsWith('2.9.'),
  },
  'nats 2.9': {
    image: 'nats:2.9',
    places: () => [...onPath('nats-server'), join(installed, 'nats-2.9/usr/sbin/nats-server')],
    versionAt: binaryVersion,
    fits: (version) => version.startsWith('2.9.'),
  },
  kafka: {
    variable: 'FULCRUM_TEST_KAFKA_BROKERS',
    image: 'apache/kafka:4.1.2',
    places: () => [...onPath('kafka-server-start.sh').map(libraryOf), join(installed, 'kafka')],
    versionAt: kafkaVersion,
    fits: (version) => Number.parseInt(version, 10) >= 4,
  },
  python: {
    places: () => [...onPath('python3'), join(installed, 'python/bin/python3')],
    versionAt: pythonVersion,
    fits: () => true,
  },
};

const known = new Map<Need, Found | undefined>();
const knownOwn = new Map<Need, OwnServer | undefined>();

/** The server that the tests use, or undefined when there is none. */
export function findServer(kind: Need): Found | undefined {
  if (!known.has(kind)) known.set(kind, search(kind));
  return known.get(kind);
}

/** The server that the tests may start with settings of their own and kill. */
export function findOwnServer(kind: Need): OwnServer | undefined {
  if (!knownOwn.has(kind)) knownOwn.set(kind, searchMachine(kinds[kind]));
  return knownOwn.get(kind);
}

function search(kind: Need): Found | undefined {
  const { variable, image } = kinds[kind];
  const address = variable === undefined ? undefined : process.env[variable];
  if (address) return { from: 'address', address };
  const inContainer = image !== undefined && containersAnswer;
  return findOwnServer(kind) ?? (inContainer ? { from: 'container', image } : undefined);
}

function searchMachine({ places, versionAt, fits }: Kind): OwnServer | undefined {
  for (const path of places()) {
    const version = existsSync(path) ? versionAt(path) : undefined;
    if (version !== undefined && fits(version)) return { from: 'own', path, version };
  }
  return undefined;
}

function onPath(...names: readonly string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .filter((path) => existsSync(path));
}

function binaryVersion(path: string): string | undefined {
  return versionSaidBy(path, ['--version']);
}

/** Of Python; undefined when it has not both clients. */
function pythonVersion(path: string): string | undefined {
  return versionSaidBy(path, [
    '-c',
    'import platform, nats, confluent_kafka; print(platform.python_version())',
  ]);
}

function versionSaidBy(path: string, args: readonly string[]): string | undefined {
  try {
    const said = execFileSync(path, args, {
      encoding: 'utf8',
      env: libraryPath(path),
      // What a Python complains of that lacks a client is nobody's matter.
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    });
    return /\d+\.\d+\.\d+/.exec(said)?.[0];
  } catch {
    return undefined;
  }
}

/** Libraries that were unpacked beside a binary; without effect for one that is part of the machine. */
export function libraryPath(binary: string): NodeJS.ProcessEnv {
  const libraries = join(dirname(binary), '../lib');
  if (!binary.startsWith(installed) || !existsSync(libraries)) return process.env;
  const folders = readdirSync(libraries).map((name) => join(libraries, name));
  return { ...process.env, LD_LIBRARY_PATH: folders.join(delimiter) };
}

const libraryOf = (script: string): string => join(dirname(realpathSync(script)), '../libs');

function kafkaVersion(folder: string): string | undefined {
  if (onPath('java').length === 0) return undefined;
  const names = readdirSync(folder).join('\n');
  return /^kafka_2\.13-(\d+\.\d+\.\d+)\.jar$/m.exec(names)?.[1];
}
