/**
 * The data folder of the embedded store: taken by one process at a time, and opened only when it is ours and
 * whole. LMDB maps its file, so reading one that was cut short would kill the process instead of failing.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FulcrumError } from '../../errors.js';
import { isWhole, readMeta } from './data-file.js';

const dataFile = 'data.mdb';
/** LMDB makes it before the data file, and nothing in it is worth keeping. */
const lockFile = 'lock.mdb';
/** A folder of its own in it, which may be there before. */
export const transcriptsFolder = 'transcripts';
const ownSocket = /^owner-\d+-[0-9a-f]+\.sock$/;

/** What is in a folder that may be opened. */
export type FolderContent = 'empty' | 'database';

/** What agents do and say is its owner's business: others of the machine cannot look. */
const ownersOnly = 0o700;

/**
 * Makes the folder if it is not there and looks at the names of what is in it.
 *
 * @throws FulcrumError `store_foreign` when it holds anything but a database.
 */
export function inspectFolder(path: string): FolderContent {
  mkdirSync(path, { recursive: true, mode: ownersOnly });
  const names = readdirSync(path).filter(
    (name) => name !== lockFile && name !== transcriptsFolder && !ownSocket.test(name),
  );
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
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return; // made by a process that died before its first write: LMDB starts it anew
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

/** Starts at one moment get in each other's way and back off; an owner answers every time. */
const attempts = 8;
const longestPauseMs = 30;

/**
 * Takes the folder for this process by listening on a socket in it. The kernel closes the socket when the
 * process dies, however it dies, so nothing has to be cleaned up by hand. Each process listens under a name of
 * its own, then looks whether anybody else answers, and gives up its socket if so: whichever of two was the
 * later to listen sees the other, so no two have the folder.
 *
 * @param instead what to do where it is taken: a sentence of the error.
 * @throws FulcrumError `store_in_use` when a living process has it.
 */
export async function takeFolder(path: string, instead: string): Promise<() => Promise<void>> {
  const folder = resolve(path);
  const socket = `owner-${process.pid}-${randomBytes(6).toString('hex')}.sock`;
  const others = () => readdirSync(folder).filter((name) => ownSocket.test(name) && name !== socket);
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await setTimeout(Math.random() * longestPauseMs);
    if (await anyAnswers(folder, others())) continue;
    const server = await listen(folder, socket);
    const rivals = others();
    if (await anyAnswers(folder, rivals)) {
      await closeSocket(server, join(folder, socket));
      continue;
    }
    for (const left of rivals) rmSync(join(folder, left), { force: true });
    return () => closeSocket(server, join(folder, socket));
  }
  throw new FulcrumError('store_in_use', `${path} is in use by another process. ${instead}`);
}

/** The longest path that every system takes for a socket. */
const longestSocketPath = 100;

/** Calls `use` with a path to the socket that is short enough: through a link where the folder's own is not. */
async function reach<T>(folder: string, socket: string, use: (path: string) => Promise<T>): Promise<T> {
  const direct = join(folder, socket);
  if (Buffer.byteLength(direct) <= longestSocketPath) return use(direct);
  const link = join(tmpdir(), `ft-${randomBytes(6).toString('hex')}`);
  symlinkSync(folder, link);
  try {
    return await use(join(link, socket));
  } finally {
    rmSync(link, { force: true });
  }
}

function listen(folder: string, socket: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy()).unref();
  return reach(folder, socket, (path) => {
    return new Promise((done, fail) => {
      server.once('error', fail).listen(path, () => done(server));
    });
  });
}

function closeSocket(server: Server, path: string): Promise<void> {
  return new Promise((done) => {
    server.close(() => {
      // Node removes it too, but by the path it was made through, and a link has gone by now.
      rmSync(path, { force: true });
      done();
    });
  });
}

async function anyAnswers(folder: string, sockets: readonly string[]): Promise<boolean> {
  const answered = await Promise.all(sockets.map((socket) => answers(folder, socket)));
  return answered.includes(true);
}

/** Whether anybody listens on the socket. What cannot be found out counts as somebody. */
function answers(folder: string, socket: string): Promise<boolean> {
  return reach(folder, socket, (path) => {
    return new Promise((done) => {
      const connection = connect(path);
      connection.once('connect', () => {
        connection.destroy();
        done(true);
      });
      connection.once('error', ({ code }: NodeJS.ErrnoException) =>
        done(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
      );
    });
  });
}
