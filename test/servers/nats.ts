import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.js';
import { startContainer } from './container.js';
import { findServer } from './find.js';
import { firstLine, freePort, loopback } from './loopback.js';
import { ServerProcess, serverFolder } from './process.js';
import { foreignServer, ownServer, serverFor, type TestServer } from './server.js';

export type NatsVersion = '2.9' | 'current';

export interface NatsOptions {
  /** @defaultValue `current` */
  readonly version?: NatsVersion;
  /** It may be killed, so not the one at an address; with any other setting it is our own too. */
  readonly own?: true;
  /** What its configuration file says besides address and JetStream, e.g. `authorization { ... }`. */
  readonly config?: string;
  /** @defaultValue a free one */
  readonly port?: number;
  /** Where its streams are kept; not removed. @defaultValue a folder that is removed with the server */
  readonly dir?: string;
  /** It speaks TLS alone. */
  readonly tls?: Certificates;
}

export interface NatsServer extends TestServer {
  /** `nats://host:port`, without credentials but where an address from outside holds them. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

const kindOf = (version: NatsVersion) => (version === '2.9' ? 'nats 2.9' : 'nats');

/** The versions that the tests can start here. */
export function natsVersions(): readonly NatsVersion[] {
  return (['2.9', 'current'] as const).filter((version) => findServer(kindOf(version)) !== undefined);
}

/** Starts a NATS server with JetStream, or gives the one that the environment names. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const { version = 'current', ...settings } = options;
  const found = serverFor(kindOf(version), Object.keys(settings).length > 0);
  if (found.from === 'own') return startOwn(found.path, found.version, settings);
  if (found.from === 'address') {
    const { hostname, port } = new URL(found.address);
    const where = { url: found.address, host: hostname, port: Number(port || 4222) };
    return Object.assign(
      foreignServer('unknown', async () => undefined),
      where,
    );
  }
  const container = await startContainer({
    image: found.image,
    command: (port) => ['--jetstream', '--port', String(port)],
    upWhen: /Server is ready/,
  });
  return Object.assign(foreignServer(found.image, container.stop), addressOf(container.port));
}

async function startOwn(path: string, version: string, options: NatsOptions): Promise<NatsServer> {
  const port = options.port ?? (await freePort());
  const folder = serverFolder('nats', options.dir);
  const file = join(folder.root, 'nats.conf');
  writeFileSync(file, configOf(port, folder.data, options));
  const server = await ServerProcess.start({
    name: 'nats',
    command: path,
    args: ['--config', file],
    ready: () => answers(port),
    folder,
  });
  return Object.assign(ownServer(server, version), addressOf(port));
}

function configOf(port: number, data: string, { tls, config }: NatsOptions): string {
  const lines = [
    `listen: "${loopback}:${port}"`,
    `server_name: "fulcrum-test-${port}"`,
    `jetstream { store_dir: "${data}" }`,
  ];
  if (tls !== undefined)
    lines.push(`tls { cert_file: "${tls.cert}", key_file: "${tls.key}", ca_file: "${tls.ca}" }`);
  return `${[...lines, config ?? ''].join('\n')}\n`;
}

/** The server speaks first and says whether JetStream is up. */
async function answers(port: number): Promise<void> {
  const line = await firstLine({ host: loopback, port });
  if (!/^INFO .*"jetstream":true/.test(line)) throw new Error(`NATS begins with ${line}`);
}

const addressOf = (port: number) => ({ url: `nats://${loopback}:${port}`, host: loopback, port });
