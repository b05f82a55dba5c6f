import { type Found, findOwnServer, findServer, type OwnServer, type ServerKind } from './find.js';
import type { ServerProcess } from './process.js';

/** What every test server can do. Of one that is not ours (an address, a container) only `stop` works. */
export interface TestServer {
  readonly version: string;
  /** Ours to kill and to start again. */
  readonly own: boolean;
  /** @throws Error when the server is not ours, or does not run */
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Ends it as a crash does; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data; one that still runs is ended in peace before. */
  restart(): Promise<void>;
  /** Ends it and removes its data; leaves a server alone that was there before. */
  stop(): Promise<void>;
}

export function ownServer(server: ServerProcess, version: string): TestServer {
  return {
    version,
    own: true,
    get pid() {
      return server.pid;
    },
    signal: (signal) => server.signal(signal),
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
}

export function foreignServer(version: string, stop: () => Promise<void>): TestServer {
  const refuse = (): never => {
    throw new Error('this server is not ours to kill: the suite needs `{ own: true }`');
  };
  return {
    version,
    own: false,
    get pid() {
      return refuse();
    },
    signal: refuse,
    kill: async () => refuse(),
    restart: async () => refuse(),
    stop,
  };
}

/** The server to use; one that is given settings has to be ours. @throws Error when there is none */
export function serverFor(kind: ServerKind, hasSettings: boolean): Found {
  return hasSettings ? ownServerFor(kind) : (findServer(kind) ?? missing(kind));
}

/** The server to start ourselves. @throws Error when there is none on this machine */
export function ownServerFor(kind: ServerKind): OwnServer {
  return findOwnServer(kind) ?? missing(kind);
}

function missing(kind: ServerKind): never {
  throw new Error(`no ${kind} server to start on this machine; to get it: npm run servers:install`);
}
