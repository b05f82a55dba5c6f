import { readFileSync } from 'node:fs';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { FulcrumError, messageOf } from '../../errors.js';

export type RedisClient = Redis | Cluster;

export interface RedisConnection {
  /**
   * `redis://[user:password@]host:port/db`, `rediss://…` for TLS, `redis+sentinel://[user:password@]host:port,host:port/master`,
   * `redis+cluster://[user:password@]host:port,host:port`; `rediss+…` for TLS.
   */
  readonly url: string;
  /** Files of PEM, where TLS needs more than the system's authorities. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

/** Told in one sentence what becomes of the connection. */
export type ConnectionListener = (line: string, level: 'info' | 'warn') => void;

const longestPauseMs = 2_000;

/** Connects and waits until the server answers. @throws FulcrumError `config`, `denied` or `unavailable` */
export async function connectRedis(
  connection: RedisConnection,
  listener: ConnectionListener,
): Promise<RedisClient> {
  const client = createClient(connection);
  let last: unknown = null;
  client.on('error', (error: unknown) => {
    last = error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    client.disconnect();
    throw unavailable(connection.url, last ?? error);
  }
  let away = false;
  client.on('reconnecting', () => {
    if (!away) listener(`${nameOf(connection.url)} is away`, 'warn');
    away = true;
  });
  client.on('ready', () => {
    if (away) listener(`${nameOf(connection.url)} is back`, 'info');
    away = false;
  });
  return client;
}

/** A URL without what is secret in it. */
export function nameOf(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

/** An error of the client or the server, as one sentence that says what to do. */
export function unavailable(url: string, cause: unknown): FulcrumError {
  if (cause instanceof FulcrumError) return cause;
  const message = messageOf(cause);
  const name = nameOf(url);
  if (/^(WRONGPASS|NOAUTH|NOPERM)|invalid (username-)?password/i.test(message))
    return new FulcrumError('denied', `${name} refuses the user or password: ${message}`, { cause });
  return new FulcrumError('unavailable', `${name} does not answer: ${message || 'connection refused'}`, {
    cause,
  });
}

function createClient({ url, tls }: RedisConnection): RedisClient {
  const parsed = parseUrl(url);
  const common = {
    lazyConnect: true,
    connectTimeout: 5_000,
    // A call that fails is told at once; whoever made it decides about trying again.
    maxRetriesPerRequest: 1,
    retryStrategy: (times) =>
      Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
    // After a failover the old address may be a replica now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(parsed.username === '' ? {} : { username: parsed.username }),
    ...(parsed.password === '' ? {} : { password: parsed.password }),
    ...(parsed.secure ? { tls: tlsOptions(tls) } : {}),
  } satisfies RedisOptions;
  switch (parsed.kind) {
    case 'cluster':
      return new Cluster([...parsed.hosts], {
        lazyConnect: true,
        redisOptions: common,
        clusterRetryStrategy: (times) => Math.min(longestPauseMs, 100 * times),
      });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: [...parsed.hosts],
        name: parsed.path,
        ...(parsed.secure ? { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true } : {}),
      });
    case 'standalone': {
      const [{ host, port } = { host: '127.0.0.1', port: 6379 }] = parsed.hosts;
      return new Redis({ ...common, host, port, db: Number(parsed.path || 0) });
    }
  }
}

function tlsOptions(tls: RedisConnection['tls']) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const [ca, cert, key] = [read(tls?.caFile), read(tls?.certFile), read(tls?.keyFile)];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

interface ParsedUrl {
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  readonly secure: boolean;
  readonly username: string;
  readonly password: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The database, or the name of the master that sentinels watch. */
  readonly path: string;
}

const form = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?]+)(?:\/([^/?]*))?$/;
const defaultPort = { standalone: 6379, sentinel: 26379, cluster: 6379 } as const;

/** @throws FulcrumError `config` */
export function parseUrl(url: string): ParsedUrl {
  const match = form.exec(url);
  if (match === null)
    throw new FulcrumError(
      'config',
      `${nameOf(url)} is no Redis URL, e.g. redis://127.0.0.1:6379, redis+sentinel://host:26379/master or redis+cluster://host:6379`,
    );
  const [, secure, kindText, username = '', password = '', hostText = '', path = ''] = match;
  const kind = kindText === 'sentinel' || kindText === 'cluster' ? kindText : 'standalone';
  const hosts = hostText.split(',').map((text) => hostOf(text, defaultPort[kind], url));
  if (kind === 'sentinel' && path === '')
    throw new FulcrumError('config', `${nameOf(url)} names no master: redis+sentinel://host:26379/<master>`);
  if (kind === 'standalone' && path !== '' && !/^\d+$/.test(path))
    throw new FulcrumError('config', `${nameOf(url)}: the database must be a number, got ${path}`);
  return {
    kind,
    secure: secure === 's',
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    hosts,
    path,
  };
}

function hostOf(text: string, port: number, url: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  const [, host, given] = match ?? [];
  if (host === undefined || Number(given ?? port) > 65_535)
    throw new FulcrumError('config', `${nameOf(url)}: ${text} is no host:port`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(given ?? port) };
}
