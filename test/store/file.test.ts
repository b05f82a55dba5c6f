import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import { TrustManager } from '../../src/manager.js';
import { FileStore } from '../../src/store/file.js';
import { TrustOutcome } from '../../src/trust/outcome.js';
import { makePairId } from '../../src/trust/pair.js';

const { SUCCESS, FAILURE } = TrustOutcome;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fulcrum-file-'));
  path = join(folder, 'trust_state.json');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Fields = Readonly<Record<string, unknown>>;

interface Entry extends Fields {
  readonly pair_id: string;
  readonly interaction_count: number;
}

/** An entry as the Python package writes it. */
function entry(agentA: string, agentB: string, fields: Fields = {}): Entry {
  return {
    pair_id: makePairId(agentA, agentB),
    agent_a: agentA,
    agent_b: agentB,
    alpha: 3.5,
    beta_val: 1.25,
    last_updated: 1_700_000_000.123456,
    interaction_count: 4,
    circuit_state: 'CLOSED',
    opened_at: null,
    ...fields,
  };
}

function fileOf(...entries: readonly Entry[]): string {
  return JSON.stringify(Object.fromEntries(entries.map((one) => [one.pair_id, one])));
}

function read(): Record<string, Entry> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, Entry>;
}

function open(now = 1_700_000_100): TrustManager {
  return new TrustManager({ store: new FileStore(path), clock: () => now });
}

function corruption(): FulcrumError {
  try {
    new FileStore(path);
  } catch (error) {
    expect(error).toBeInstanceOf(FulcrumError);
    return error as FulcrumError;
  }
  throw new Error('the file was taken');
}

describe('the file of the Python package', () => {
  it('is read as it is', async () => {
    writeFileSync(
      path,
      fileOf(
        entry('writer', 'editor'),
        entry('x', 'y', { circuit_state: 'OPEN', opened_at: 1_600_000_000.5 }),
      ),
    );
    const manager = open();
    expect(await manager.getState('editor', 'writer')).toEqual({
      pairId: makePairId('writer', 'editor'),
      agentA: 'writer',
      agentB: 'editor',
      alpha: 3.5,
      beta: 1.25,
      trustScore: 3.5 / 4.75,
      lastUpdated: 1_700_000_000.123456,
      interactionCount: 4,
      circuitState: 'CLOSED',
      openedAt: null,
      transition: 0,
    });
    expect(await manager.getState('x', 'y')).toMatchObject({
      circuitState: 'OPEN',
      openedAt: 1_600_000_000.5,
    });
  });

  it('is read without the fields that older versions of it did not write', async () => {
    const { opened_at: _, ...old } = entry('a', 'b');
    writeFileSync(path, fileOf(old));
    expect(await open().getState('a', 'b')).toMatchObject({ openedAt: null, interactionCount: 4 });
  });

  it('is written with the fields that it knows, under the id of the pair', async () => {
    const manager = open(1_700_000_000.25);
    await manager.evaluate('a', 'b', SUCCESS);
    await manager.terminate('c', 'd');
    await manager.close();
    const [ab, cd] = [makePairId('a', 'b'), makePairId('c', 'd')];
    expect(read()).toEqual({
      [ab]: {
        ...entry('a', 'b', { alpha: 2, beta_val: 1, last_updated: 1_700_000_000.25, interaction_count: 1 }),
      },
      [cd]: {
        ...entry('c', 'd', { alpha: 1, beta_val: 1, last_updated: 1_700_000_000.25, interaction_count: 0 }),
        circuit_state: 'TERMINATED',
      },
    });
  });

  it('keeps entries that nothing happened to, and fields that it does not know', async () => {
    const untouched = entry('x', 'y', { note: 'kept', nested: { deep: [1, null] } });
    writeFileSync(path, fileOf(untouched, entry('a', 'b', { team: 'blue' })));
    await open().evaluate('a', 'b', FAILURE);
    const file = read();
    expect(file[makePairId('x', 'y')]).toEqual(untouched);
    expect(file[makePairId('a', 'b')]).toMatchObject({ team: 'blue', interaction_count: 5 });
  });

  it('gives a pair that was reset none of its earlier fields back', async () => {
    writeFileSync(path, fileOf(entry('a', 'b', { note: 'of the old pair' })));
    const manager = open();
    await manager.reset('a', 'b');
    expect(read()).toEqual({});
    await manager.evaluate('a', 'b', SUCCESS);
    expect(read()[makePairId('a', 'b')]).not.toHaveProperty('note');
  });

  it('is found by the names, whatever pair id it was stored under', async () => {
    const wrong = 'ffffffffffffffff';
    writeFileSync(path, JSON.stringify({ [wrong]: entry('a:b', 'c', { pair_id: wrong }) }));
    const manager = open();
    expect(await manager.getState('c', 'a:b')).toMatchObject({ pairId: makePairId('a:b', 'c'), alpha: 3.5 });
    await manager.evaluate('a:b', 'c', SUCCESS);
    expect(Object.keys(read())).toEqual([makePairId('a:b', 'c')]);
    expect(read()[makePairId('a:b', 'c')]?.pair_id).toBe(makePairId('a:b', 'c'));
  });

  it('is whole again in a store that is opened later', async () => {
    const manager = open();
    const names = ['a', 'ü:\\', '\u{1f600}', ''];
    for (const name of names) await manager.evaluate(name, 'hub', FAILURE);
    const before = await Promise.all(names.map((name) => manager.getState(name, 'hub')));
    const again = open();
    expect(await Promise.all(names.map((name) => again.getState(name, 'hub')))).toEqual(before);
  });

  it('may be absent or empty: a store without pairs', async () => {
    expect(await open().getState('a', 'b')).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(path, '');
    await open().evaluate('a', 'b', SUCCESS);
    expect(Object.keys(read())).toHaveLength(1);
  });
});

describe('a file that is no trust state', () => {
  const whole = fileOf(entry('a', 'b'), entry('c', 'd'));

  it.each([
    ['is truncated', whole.slice(0, -20)],
    ['is not JSON', 'trust: yes'],
    ['holds NaN', whole.replace('3.5', 'NaN')],
    ['is an array', '[]'],
    ['is null', 'null'],
    ['is of something else', '{"name":"fulcrum-trust","version":"0.1.0"}'],
    ['lacks a name', fileOf(entry('a', 'b', { agent_a: undefined }))],
    ['has a name that is not well-formed', fileOf(entry('a', 'b')).replace('"a"', '"\\ud800"')],
    ['has an alpha below 0', fileOf(entry('a', 'b', { alpha: -1 }))],
    ['has an alpha that is text', fileOf(entry('a', 'b', { alpha: '1' }))],
    ['has no time', fileOf(entry('a', 'b', { last_updated: null }))],
    ['has a count that is no whole number', fileOf(entry('a', 'b', { interaction_count: 1.5 }))],
    ['has an unknown circuit', fileOf(entry('a', 'b', { circuit_state: 'AJAR' }))],
    ['has two entries for one pair', JSON.stringify({ one: entry('a', 'b'), two: entry('b', 'a') })],
  ])('is refused with a clear error and left as it is when it %s', (_, text) => {
    writeFileSync(path, text);
    const error = corruption();
    expect(error.code).toBe('store_corrupt');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/mend it, or move it away/);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(folder)).toEqual(['trust_state.json']);
  });

  it('says which entry and field are at fault', () => {
    const id = makePairId('a', 'b');
    writeFileSync(path, fileOf(entry('c', 'd'), entry('a', 'b', { beta_val: null })));
    expect(corruption().message).toContain(`${id}.beta_val`);
  });

  it('is refused when it cannot be read at all', () => {
    mkdirSync(path);
    expect(corruption().code).toBe('store_corrupt');
  });
});

describe('a write', () => {
  it('leaves nothing but the file, however many there are at once', async () => {
    const manager = open();
    await Promise.all(Array.from({ length: 20 }, (_, i) => manager.evaluate('a', `b${i % 5}`, SUCCESS)));
    expect(readdirSync(folder)).toEqual(['trust_state.json']);
    const counts = Object.values(read()).map((one) => one.interaction_count);
    expect(counts).toEqual([4, 4, 4, 4, 4]);
  });

  it('never shows a reader half a file', async () => {
    const manager = open();
    const names = Array.from({ length: 30 }, (_, i) => `agent-${i}`);
    let writing = true;
    const all = Promise.all(names.map((name) => manager.evaluate(name, 'hub', SUCCESS))).finally(() => {
      writing = false;
    });
    let seen = 0;
    while (writing) {
      await new Promise((resolve) => setImmediate(resolve));
      if (readdirSync(folder).includes('trust_state.json')) seen = Math.max(seen, Object.keys(read()).length);
    }
    await all;
    expect(seen).toBeGreaterThan(0);
    expect(Object.keys(read())).toHaveLength(30);
  });

  it('that fails is thrown, leaves the old file and changes nothing in memory either', async () => {
    // The longest name that a file may have leaves none for a file beside it.
    path = join(folder, 'n'.repeat(255));
    const text = fileOf(entry('a', 'b'));
    writeFileSync(path, text);
    const manager = open();
    await expect(manager.evaluate('a', 'b', SUCCESS)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    await expect(manager.terminate('a', 'b')).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    expect(await manager.getState('a', 'b')).toMatchObject({ interactionCount: 4, circuitState: 'CLOSED' });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(folder)).toHaveLength(1);
  });
});

describe("another process's change", () => {
  const theirs = fileOf(entry('their', 'pair'));

  it('is never overwritten, and the refusal says whose file it is', async () => {
    const manager = open();
    await manager.evaluate('a', 'b', SUCCESS);
    writeFileSync(path, theirs);
    for (let again = 0; again < 2; again++)
      await expect(manager.evaluate('a', 'b', SUCCESS)).rejects.toThrow(
        /trust_state\.json was changed by another process/,
      );
    expect(readFileSync(path, 'utf8')).toBe(theirs);
    expect(readdirSync(folder)).toEqual(['trust_state.json']);
    expect(await manager.getState('a', 'b')).toMatchObject({ interactionCount: 1 });
  });

  it('is seen when it left length and time as they were', async () => {
    writeFileSync(path, theirs);
    const { atime, mtime, ctimeMs } = statSync(path);
    utimesSync(path, atime, mtime);
    const manager = open();
    do {
      writeFileSync(path, theirs.replace('3.5', '4.5'));
      utimesSync(path, atime, mtime);
    } while (Math.floor(statSync(path).ctimeMs / 20) === Math.floor(ctimeMs / 20));
    await expect(manager.evaluate('a', 'b', SUCCESS)).rejects.toThrow(/changed by another process/);
    expect(readFileSync(path, 'utf8')).toContain('4.5');
  });

  it('is seen when it made the file, or removed it', async () => {
    const first = open();
    writeFileSync(path, theirs);
    await expect(first.evaluate('a', 'b', SUCCESS)).rejects.toThrow(/changed by another process/);
    expect(readFileSync(path, 'utf8')).toBe(theirs);
    const second = open();
    rmSync(path);
    await expect(second.evaluate('a', 'b', SUCCESS)).rejects.toThrow(/changed by another process/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('made while a write is under way is not overwritten either', async () => {
    const manager = open();
    await manager.evaluate('a', 'b', SUCCESS);
    const writing = manager.evaluate('a', 'b', SUCCESS);
    // The store has begun, and nothing of its own can have come to the disk: no turn of the event loop has passed.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    writeFileSync(path, theirs);
    await expect(writing).rejects.toThrow(/changed by another process/);
    expect(readFileSync(path, 'utf8')).toBe(theirs);
    expect(readdirSync(folder)).toEqual(['trust_state.json']);
  });

  it('by a second store in this process is not overwritten either', async () => {
    const [first, second] = [open(), open()];
    await first.evaluate('a', 'b', SUCCESS);
    await expect(second.evaluate('c', 'd', SUCCESS)).rejects.toThrow(/changed by another process/);
    await first.evaluate('a', 'b', SUCCESS);
    expect(Object.keys(read())).toEqual([makePairId('a', 'b')]);
  });
});

it('refuses opening: change, which the format has no place for, and writes nothing', async () => {
  const config = { opening: 'change', recoveryCooldownSeconds: 60 } as const;
  const manager = new TrustManager({ store: new FileStore(path), config });
  const refused = { code: 'usage', message: expect.stringContaining('opening must be mean') };
  await expect(manager.evaluate('a', 'b', SUCCESS)).rejects.toMatchObject(refused);
  await expect(manager.terminate('a', 'b')).rejects.toMatchObject(refused);
  expect(readdirSync(folder)).toEqual([]);
  const behind = new TrustManager({ store: new FileStore(path), config, asyncFlush: true });
  await expect(behind.evaluate('a', 'b', SUCCESS)).rejects.toMatchObject(refused);
  await expect(behind.terminate('a', 'b')).rejects.toMatchObject(refused);
  await behind.flush();
  expect(readdirSync(folder)).toEqual([]);
});
