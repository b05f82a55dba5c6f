import { readFileSync } from 'node:fs';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { FulcrumError, messageOf } from '../../errors.js';

export type RedisClient = Redis | Cluster;

/** Told without the client's own class, which is loaded by those alone who connect. */
export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster;
}

export interface RedisConnection {
  /**
   * `redis://[user:password@]host:port/db`, `rediss://…` for TLS, `redis+sentinel://[user:password@]host:port,host:port/master`,
   * `redis+cluster://[user:password@]host:port,host:port`; `rediss+…` for TLS. The password is shown to sentinels too.
   */
  readonly url: string;
  /** Files of PEM, where TLS needs more than the system's authorities. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

/** Told in one sentence what becomes of the connection. */
export type ConnectionListener = (line: string, level: 'info' | 'warn') => void;

const longestPauseMs = 2_000;
/** A server that says nothing for so long is taken as gone: it may have stopped without closing the connection. */
const silenceMs = 5_000;
/** No call takes longer than this, whatever the client does in the meantime to get it done. */
const callMs = 10_000;

/** Connects and waits until the server answers. @throws FulcrumError `config`, `denied` or `unavailable` */
export async function connectRedis(
  connection: RedisConnection,
  listener: ConnectionListener,
): Promise<RedisClient> {
  const client = await createClient(connection);
  try {
    await firstConnection(client);
    await client.ping();
  } catch (error) {
    client.disconnect();
    throw unavailable(connection.url, error);
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
  // Told of a failover just while it asks a sentinel for the master, the client gives up for ever.
  client.on('end', () => {
    if (!left.has(client)) void client.connect().catch(() => {});
  });
  return client;
}

/** Those that were closed on purpose. */
const left = new WeakSet<RedisClient>();

/** Closes the connection at once; calls that wait for answers fail. */
export function disconnect(client: RedisClient): void {
  left.add(client);
  client.disconnect();
}

/**
 * The client would try for ever, and go on without what it was refused, a database say. Here the first trouble ends it;
 * later ones are told by the calls that fail.
 */
async function firstConnection(client: RedisClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    // In their turn: an error is told before the close that comes of it, and says more.
    const fail = (error: unknown): void => void setImmediate(reject, error);
    client.on('error', reject);
    client.once('close', () => fail(new Error('it closed the connection, or its cluster is down')));
    client.connect().then(resolve, fail);
    timer = setTimeout(
      reject,
      callMs,
      new Error(`not ready within ${callMs} ms, it may be loading its data`),
    );
  }).finally(() => clearTimeout(timer));
}

/** A URL without what is secret in it. */
export function nameOf(url: string): string {
  return url.replace(/\/\/.*@/s, '//');
}

/** An error of the client or the server, as one sentence that says what to do. */
export function unavailable(url: string, cause: unknown): FulcrumError {
  if (cause instanceof FulcrumError) return cause;
  const name = nameOf(url);
  const reason = reasonOf(cause);
  const fail = (code: 'unavailable' | 'denied', why: string): FulcrumError =>
    new FulcrumError(code, `${name} ${why}`, { cause });
  if (/^(WRONGPASS|NOAUTH)|invalid (username-)?password/i.test(reason))
    return fail('denied', `refuses the user or password: ${reason}`);
  if (/^NOPERM|ACL failure|^ERR The user executing the script can't/.test(reason))
    return fail('denied', `does not let this user do it: ${reason}`);
  if (/certificate|self-signed|altnames/i.test(reason))
    return fail(
      'denied',
      `has a certificate that is not trusted here (${reason}): check redis.caFile and the host`,
    );
  if (/SSL routines|TLS connection/i.test(reason))
    return fail(
      'unavailable',
      `fails at TLS (${reason}): rediss:// is for servers that speak it, redis:// for others`,
    );
  if (/^MOVED/.test(reason))
    return new FulcrumError('config', `${name} is a node of a cluster: write redis+cluster:// for redis://`, {
      cause,
    });
  if (cause instanceof Error && cause.name === 'ReplyError') return fail('unavailable', `answers: ${reason}`);
  return fail('unavailable', `does not answer: ${reason || 'connection refused'}`);
}

/** The innermost reason, in the client's or the server's words. */
function reasonOf(cause: unknown): string {
  // A client of a cluster hides why none of the nodes would do.
  if (cause instanceof Error && 'lastNodeError' in cause && cause.lastNodeError instanceof Error)
    return reasonOf(cause.lastNodeError);
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(', ');
  const message = messageOf(cause);
  if (!message.startsWith('All sentinels are unreachable')) return message;
  return /Last error: (.*)$/s.exec(message)?.[1] ?? 'no sentinel knows a master of the name in the URL';
}

async function createClient({ url, tls }: RedisConnection): Promise<RedisClient> {
  // Only those who have a Redis pay for its client.
  const { Cluster, Redis } = await import('ioredis');
  const parsed = parseUrl(url);
  const secure = parsed.secure ? tlsOptions(tls) : undefined;
  const common = {
    lazyConnect: true,
    connectTimeout: silenceMs,
    socketTimeout: silenceMs,
    commandTimeout: callMs,
    // A call that fails is told at once; whoever made it decides about trying again.
    maxRetriesPerRequest: 1,
    retryStrategy: (times) =>
      Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
    // After a failover the old address may be a replica now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(parsed.username === '' ? {} : { username: parsed.username }),
    ...(parsed.password === '' ? {} : { password: parsed.password }),
    ...(secure === undefined ? {} : { tls: secure }),
  } satisfies RedisOptions;
  switch (parsed.kind) {
    case 'cluster':
      return new Cluster([...parsed.hosts], {
        lazyConnect: true,
        redisOptions: common,
        clusterRetryStrategy: (times) => Math.min(longestPauseMs, 100 * times),
        // While no node answers a call fails, as on one Redis, and does not wait for the cluster to come back.
        enableOfflineQueue: false,
        slotsRefreshTimeout: silenceMs,
        // A certificate may name hosts and not addresses.
        ...(secure === undefined ? {} : { dnsLookup: (host, found) => found(null, host) }),
      });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: [...parsed.hosts],
        name: parsed.path,
        sentinelCommandTimeout: silenceMs,
        // An old master may take writes for seconds after a failover, and all of them are lost.
        failoverDetector: true,
        // A sentinel without a password takes any.
        ...(parsed.password === '' ? {} : { sentinelPassword: parsed.password }),
        ...(secure === undefined ? {} : { sentinelTLS: secure, enableTLSForSentinelMode: true }),
      });
    case 'standalone': {
      const [{ host, port } = { host: '127.0.0.1', port: 6379 }] = parsed.hosts;
      return new Redis({ ...common, host, port, db: Number(parsed.path || 0) });
    }
  }
}

/** @throws FulcrumError `config` */
function tlsOptions(tls: RedisConnection['tls']) {
  const read = (name: 'caFile' | 'certFile' | 'keyFile'): Buffer | undefined => {
    const file = tls?.[name];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new FulcrumError('config', `redis.${name}: ${file} cannot be read: ${messageOf(cause)}`, {
        cause,
      });
    }
  };
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')];
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

const form =
  /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?]+)(?:\/([^/?@]*))?$/;
const defaultPort = { standalone: 6379, sentinel: 26379, cluster: 6379 } as const;

/** @throws FulcrumError `config` */
export function parseUrl(url: string): ParsedUrl {
  const match = form.exec(url);
  if (match === null)
    throw new FulcrumError(
      'config',
      `${nameOf(url)} is no Redis URL, e.g. redis://127.0.0.1:6379, redis+sentinel://host:26379/master or redis+cluster://host:6379` +
        (url.includes('@') ? '; user and password are percent-encoded, / as %2F and @ as %40' : ''),
    );
  const [, secure, kindText, username = '', password = '', hostText = '', path = ''] = match;
  const kind = kindText === 'sentinel' || kindText === 'cluster' ? kindText : 'standalone';
  const hosts = hostText.split(',').map((text) => hostOf(text, defaultPort[kind], url));
  if (kind === 'sentinel' && path === '')
    throw new FulcrumError('config', `${nameOf(url)} names no master: redis+sentinel://host:26379/<master>`);
  if (kind === 'standalone' && path !== '' && !/^\d+$/.test(path))
    throw new FulcrumError('config', `${nameOf(url)}: the database must be a number, got ${path}`);
  if (kind === 'cluster' && path !== '')
    throw new FulcrumError('config', `${nameOf(url)}: a cluster has no databases, leave out /${path}`);
  return {
    kind,
    secure: secure === 's',
    username: decoded(username, url),
    password: decoded(password, url),
    hosts,
    path,
  };
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FulcrumError('config', `${nameOf(url)}: user and password are percent-encoded, % as %25`);
  }
}

function hostOf(text: string, port: number, url: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  const [, host, given] = match ?? [];
  if (host === undefined || Number(given ?? port) > 65_535)
    throw new FulcrumError('config', `${nameOf(url)}: ${text} is no host:port`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(given ?? port) };
}
