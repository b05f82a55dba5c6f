/**
 * The data folder of the embedded store: taken by one process at a time, and opened only when it is ours and
 * whole. LMDB maps its file, so reading one that was cut short would kill the process instead of failing.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FulcrumError } from '../../errors.js';
import { isWhole, readMeta } from './data-file.js';

const dataFile = 'data.mdb';
const ownerSocket = 'owner.sock';

/** What is in a folder that may be opened. */
export type FolderContent = 'empty' | 'database';

/**
 * Makes the folder if it is not there and looks at the names of what is in it.
 *
 * @throws FulcrumError `store_foreign` when it holds anything but a database.
 */
export function inspectFolder(path: string): FolderContent {
  mkdirSync(path, { recursive: true });
  const names = readdirSync(path).filter((name) => name !== ownerSocket);
  if (names.length === 0) return 'empty';
  if (!names.includes(dataFile)) {
    const shown = names.slice(0, 3).join(', ');
    throw new FulcrumError(
      'store_foreign',
      `${path} is not a data folder of fulcrum-trust: it has no ${dataFile} and holds ${shown}. ` +
        'Name a new or an empty folder, or restore the whole folder from a backup.',
    );
  }
  return 'database';
}

/**
 * Looks at the data file of a folder that this process has taken.
 *
 * @throws FulcrumError `store_foreign` when it is no LMDB database of ours, or not all of one.
 */
export function checkDataFile(folder: string): void {
  const path = join(folder, dataFile);
  const { size } = statSync(path);
  if (size === 0) return; // made by a process that died before its first write: LMDB starts it anew
  const file = openSync(path, 'r');
  try {
    const meta = readMeta(file);
    if (meta === null) throw unusable(`${path} is not an LMDB database of this version`);
    if (!isWhole(file, size, meta)) {
      const whole = (meta.lastPage + 1) * meta.pageSize;
      throw unusable(`${path} is cut short: it has ${size} bytes of ${whole}`);
    }
  } finally {
    closeSync(file);
  }
}

function unusable(what: string): FulcrumError {
  return new FulcrumError(
    'store_foreign',
    `${what}. Restore the whole folder from a backup, or name a new folder and rebuild.`,
  );
}

/**
 * Takes the folder for this process by listening on a socket in it: the kernel lets go of it when the process
 * dies, however it dies, so nothing has to be cleaned up by hand.
 *
 * @throws FulcrumError `store_in_use` when a living process has it.
 */
export async function takeFolder(path: string): Promise<() => Promise<void>> {
  const socket = socketIn(resolve(path));
  let server = await listen(socket.path);
  if (server === null) {
    if (await answers(socket.path)) {
      socket.dispose();
      throw new FulcrumError(
        'store_in_use',
        `${path} is in use by another process. Talk to that one (fulcrum-trust state, circuits, …), or stop it first.`,
      );
    }
    rmSync(join(path, ownerSocket), { force: true });
    server = await listen(socket.path);
  }
  if (server === null)
    throw new FulcrumError('store_in_use', `${path} was taken by another process just now`);
  const owned = server;
  return () =>
    new Promise((done) => {
      owned.close(() => {
        socket.dispose();
        done();
      });
    });
}

/** The longest path that every system takes for a socket. */
const longestSocketPath = 100;

/** A path to the folder's socket that is short enough, through a link where the folder's own is not. */
function socketIn(folder: string): { readonly path: string; dispose(): void } {
  const direct = join(folder, ownerSocket);
  if (Buffer.byteLength(direct) <= longestSocketPath) return { path: direct, dispose: () => {} };
  const link = join(tmpdir(), `ft-${process.pid}-${process.hrtime.bigint().toString(36)}`);
  symlinkSync(folder, link);
  return { path: join(link, ownerSocket), dispose: () => rmSync(link, { force: true }) };
}

/** A server on the socket, or null when the path is taken. */
function listen(path: string): Promise<Server | null> {
  return new Promise((done, fail) => {
    const server = createServer((connection) => connection.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? done(null) : fail(error),
    );
    server.listen(path, () => done(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const connection = connect(path);
    connection.once('connect', () => {
      connection.destroy();
      done(true);
    });
    connection.once('error', () => done(false));
  });
}
