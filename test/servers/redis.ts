import type { Certificates } from './certificates.js';
import { startContainer } from './container.js';
import { libraryPath } from './find.js';
import { firstLine, freePort, loopback } from './loopback.js';
import { ServerProcess, serverFolder } from './process.js';
import { foreignServer, ownServer, serverFor, type TestServer } from './server.js';

export interface RedisOptions {
  /** It may be killed, so not the one at an address; with any other setting it is our own too. */
  readonly own?: true;
  /** Settings as on its command line, e.g. `['--appendonly', 'yes']`. @defaultValue nothing is persisted */
  readonly args?: readonly string[];
  /** @defaultValue a free one */
  readonly port?: number;
  /** Where its data is kept; not removed. @defaultValue a folder that is removed with the server */
  readonly dir?: string;
  /** It speaks TLS alone. */
  readonly tls?: Certificates;
}

export interface RedisServer extends TestServer {
  /** `redis://host:port` or `rediss://`, without credentials but where an address from outside holds them. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** Starts a Redis server, or gives the one that the environment names. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const found = serverFor('redis', Object.keys(options).length > 0);
  if (found.from === 'own') return startOwn(found.path, found.version, options);
  if (found.from === 'address') {
    const { hostname, port } = new URL(found.address);
    const server = foreignServer('unknown', async () => undefined);
    return Object.assign(server, { url: found.address, host: hostname, port: Number(port || 6379) });
  }
  const container = await startContainer({
    image: found.image,
    command: (port) => ['redis-server', '--port', String(port), '--save', ''],
    upWhen: /Ready to accept connections/,
  });
  return Object.assign(foreignServer(found.image, container.stop), addressOf(container.port, false));
}

async function startOwn(path: string, version: string, options: RedisOptions): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const folder = serverFolder('redis', options.dir);
  const tls = options.tls !== undefined;
  const server = await ServerProcess.start({
    name: 'redis',
    command: path,
    args: [...argsOf(port, folder.data, options.tls), ...(options.args ?? [])],
    env: libraryPath(path),
    ready: () => answers(port, tls),
    folder,
  });
  return Object.assign(ownServer(server, version), addressOf(port, tls));
}

function argsOf(port: number, data: string, tls: Certificates | undefined): readonly string[] {
  const common = ['--bind', loopback, '--dir', data, '--save', '', '--appendonly', 'no'];
  if (tls === undefined) return ['--port', String(port), ...common];
  const files = ['--tls-ca-cert-file', tls.ca, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key];
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files, ...common];
}

/** A server that wants a password is up; one that loads its data is not. */
async function answers(port: number, tls: boolean): Promise<void> {
  const line = await firstLine({ host: loopback, port, say: 'PING\r\n', tls });
  if (!/^(\+PONG|-NOAUTH)/.test(line)) throw new Error(`Redis answers PING with ${line}`);
}

const addressOf = (port: number, tls: boolean) => ({
  url: `${tls ? 'rediss' : 'redis'}://${loopback}:${port}`,
  host: loopback,
  port,
});
