import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { makePairId } from '../../src/trust/pair.js';
import {
  apply,
  at,
  collapse,
  command,
  day,
  dueBy,
  kinds,
  outboxOf,
  readPair,
  start,
  story,
  success,
  withCooldown,
} from '../contract/store/given.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();

/** The three numbers that lie before a packed pair; its version byte is next. */
const envelopeBytes = 24;

/** Lets `change` have the bytes of the pair a, b in a store that is closed; returns what lies there then. */
async function tamper(path: string, change: (bytes: Buffer) => Buffer = (bytes) => bytes): Promise<Buffer> {
  const root = open({ path, noSubdir: false, maxDbs: 16, overlappingSync: false });
  const pairs = root.openDB<Buffer, string>({ name: 'pairs', encoding: 'binary' });
  const key = `default/${makePairId('a', 'b')}`;
  const changed = change(Buffer.from(pairs.getBinary(key) ?? []));
  pairs.putSync(key, changed);
  await root.close();
  return changed;
}

const ofNextVersion = (bytes: Buffer): Buffer => {
  bytes[envelopeBytes] = 3;
  return bytes;
};

const opened = async (path: string, clock = () => start): Promise<EmbeddedStore> => {
  const store = await EmbeddedStore.open(path, { clock });
  onTestFinished(() => store.close());
  return store;
};

/** A store with the OPEN pairs a, b and c, b, of which the first cannot be read. */
async function halfReadable(change = ofNextVersion) {
  const path = freshPath();
  const before = await opened(path);
  await apply(before, [collapse(start, at(1)), collapse(start + 1, { agentA: 'c', ...at(2) })], {
    policies: [withCooldown],
  });
  await before.outbox.remove(await outboxOf(before));
  await before.close();
  const bytes = await tamper(path, change);
  return { path, bytes, store: await opened(path) };
}

const unreadable = expect.objectContaining({
  code: 'state_unreadable',
  message: expect.stringContaining(makePairId('a', 'b')),
});

describe('a pair of an unknown format version', () => {
  it('is state_unreadable to who reads it', async () => {
    const { store } = await halfReadable();
    expect(() => store.read('default', makePairId('a', 'b'))).toThrow(unreadable);
    expect((await readPair(store, 'c'))?.state?.circuitState).toBe('OPEN');
  });

  it('rejects its events, each time they come, and lets the others of the batch through', async () => {
    const { store } = await halfReadable();
    const events = [
      success(start, { agentA: 'd', ...at(3) }),
      success(start + 2, { ...at(4), duplicateKey: 'x' }),
      success(start + 2, { agentA: 'c', ...at(5) }),
    ];
    const results = await apply(store, events);
    expect(results[1]).toEqual({
      kind: 'rejected',
      reason: 'state_unreadable',
      detail: expect.stringMatching(/version 3/),
    });
    expect(kinds(results)).toEqual(['applied', 'rejected', 'applied']);
    expect(kinds(await apply(store, events))).toEqual(['repeat', 'rejected', 'repeat']);
  });

  it.each(['reset', 'terminate'] as const)('rejects a %s', async (action) => {
    const { store } = await halfReadable();
    expect(await store.command(command(action, start + 5))).toMatchObject({
      kind: 'rejected',
      reason: 'state_unreadable',
    });
  });

  it('does not keep the sweep from the pairs after it, one at a time', async () => {
    const { store } = await halfReadable();
    expect(await store.due(dueBy(start + day, { limit: 1 }))).toBe(1);
    expect(await store.due(dueBy(start + day, { limit: 1 }))).toBe(0);
    expect(await story(store)).toEqual(['c-b half_opened at 61']);
  });

  it('is left out of the list of circuits', async () => {
    const { store } = await halfReadable();
    const listed: string[] = [];
    for await (const { pair } of store.circuits()) listed.push(pair.agentA);
    expect(listed).toEqual(['c']);
  });

  it('stays as it is, for the version that can read it', async () => {
    const { path, bytes, store } = await halfReadable();
    await apply(store, [success(start + 2)]);
    await store.command(command('reset', start + 5));
    await store.due(dueBy(start + day));
    await store.mark([]);
    await store.close();
    expect(await tamper(path)).toEqual(bytes);
  });
});

describe('a pair is state_unreadable too', () => {
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['when its end is missing', (bytes) => bytes.subarray(0, -1)],
    ['when half of it is missing', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['when all but the envelope is missing', (bytes) => bytes.subarray(0, envelopeBytes)],
    ['when it is a single byte', (bytes) => bytes.subarray(0, 1)],
    ['when something follows it', (bytes) => Buffer.concat([bytes, Buffer.from([0])])],
  ])('%s', async (_, change) => {
    const { store } = await halfReadable(change);
    expect(() => store.read('default', makePairId('a', 'b'))).toThrow(unreadable);
    expect(kinds(await apply(store, [success(start + 2), success(start + 2, { agentA: 'c' })]))).toEqual([
      'rejected',
      'applied',
    ]);
  });
});
