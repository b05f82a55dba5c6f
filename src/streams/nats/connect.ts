import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from 'nats';
import { FulcrumError, messageOf } from '../../errors.js';
import { connectFailure } from './errors.js';
import type { NatsOptions } from './options.js';

/** How long a server may take to answer, in ms. */
export const answerWithinMs = 5_000;

/**
 * One connection; once it is there it is kept up for ever.
 *
 * @throws FulcrumError `config` for an address or a file that cannot be used, `denied` when the server refuses
 *   the credentials or TLS fails, `unavailable` when no server answers
 */
export async function openConnection(options: NatsOptions): Promise<NatsConnection> {
  const addresses = options.servers.map(parseAddress);
  const servers = addresses.map(({ host }) => host);
  const settings: ConnectionOptions = {
    servers,
    ...loginOf(options, addresses),
    ...tlsOf(options, addresses),
    name: 'fulcrum-trust',
    timeout: answerWithinMs,
    maxReconnectAttempts: -1,
    // One that refuses the credentials now may take them once its operator has mended it.
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: reconnectDelay(),
    pingInterval: 10_000,
    noAsyncTraces: true,
  };
  try {
    return await connect(settings);
  } catch (cause) {
    throw connectFailure(servers.join(', '), cause);
  }
}

interface Address {
  readonly host: string;
  readonly tls: boolean;
  readonly user: string;
  readonly password: string;
}

function parseAddress(address: string): Address {
  const url = URL.canParse(address) ? new URL(address) : null;
  const [user, password] = [url?.username, url?.password].map((part) => decoded(part ?? ''));
  const wrong =
    url === null ||
    !['nats:', 'tls:'].includes(url.protocol) ||
    url.hostname === '' ||
    user == null ||
    password == null;
  if (wrong)
    // Not the address itself: it may hold a password.
    throw new FulcrumError(
      'config',
      'nats.servers: each must be nats://host:port or tls://host:port, a % in user or password written %25',
    );
  return {
    host: `${url.hostname}:${url.port === '' ? 4222 : url.port}`,
    tls: url.protocol === 'tls:',
    user,
    password,
  };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function loginOf(options: NatsOptions, addresses: readonly Address[]): ConnectionOptions {
  const named = addresses.find(({ user }) => user !== '');
  const user = options.user ?? named?.user ?? null;
  const authenticator: Authenticator[] = [];
  if (options.nkeySeedFile !== null) authenticator.push(nkeyLogin(options.nkeySeedFile));
  if (options.credsFile !== null) authenticator.push(credsLogin(options.credsFile));
  return {
    ...(user === null ? {} : { user, pass: options.password ?? named?.password ?? '' }),
    ...(options.token === null ? {} : { token: options.token }),
    ...(authenticator.length === 0 ? {} : { authenticator }),
  };
}

function nkeyLogin(path: string): Authenticator {
  const seed = readOption('nkeySeedFile', path).toString('utf8').trim();
  return tried('nkeySeedFile', path, nkeyAuthenticator(Buffer.from(seed)));
}

/** Credentials that expire are renewed in their file: it is read for every login. */
function credsLogin(path: string): Authenticator {
  let last = tried('credsFile', path, credsAuthenticator(readOption('credsFile', path)));
  return (nonce) => {
    try {
      last = tried('credsFile', path, credsAuthenticator(readFileSync(path)));
    } catch {
      // It may just be written: what was read before may do. To throw would end the connection for good.
    }
    return last(nonce);
  };
}

/** The same, or an error that names the option when it cannot log in. */
function tried(option: string, path: string, login: Authenticator): Authenticator {
  try {
    login('nonce');
  } catch (cause) {
    throw new FulcrumError('config', `nats.${option} ${path} holds no credentials of NATS`, { cause });
  }
  return login;
}

function tlsOf({ tls }: NatsOptions, addresses: readonly Address[]): ConnectionOptions {
  if (tls === null) return addresses.some((address) => address.tls) ? { tls: {} } : {};
  const read = (name: keyof typeof tls): string | undefined =>
    tls[name] === null ? undefined : readOption(`tls.${name}`, tls[name]).toString('utf8');
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')];
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

function readOption(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new FulcrumError('config', `nats.${option} ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

const [shortestDelayMs, longestDelayMs] = [100, 5_000];
/** A longer silence between two attempts is another outage. */
const newOutageMs = 3 * longestDelayMs;

/** Grows with the outage, and differs between clients, so that not all come back in the same moment. */
function reconnectDelay(): () => number {
  let startedAt = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - askedAt > newOutageMs) startedAt = now;
    askedAt = now;
    const delay = Math.min(longestDelayMs, Math.max(shortestDelayMs, (now - startedAt) / 4));
    return delay * (0.5 + Math.random() / 2);
  };
}
