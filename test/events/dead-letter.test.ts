import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../src/events/dead-letter.js';
import type { Rejection } from '../../src/ports.js';
import { delivered, least } from '../helpers/delivered.js';

const rejection: Rejection = { reason: 'invalid_event', field: 'agent_a', rule: 'is required' };
const tooLarge: Rejection = { reason: 'too_large', field: '', rule: 'must have at most 10 bytes' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a dead letter', () => {
  it('says what was wrong, where it came from and when it was refused', () => {
    const letter = deadLetter(delivered(least), 'interactions', rejection, 1_700_000_000.25);
    expect(letter).toMatchObject({ channel: 'dead-letters', tenant: 'default', key: 'invalid_event' });
    expect(letter.headers).toEqual({
      'dlq-id': 'interactions:test/7',
      'dlq-reason': 'invalid_event',
      'dlq-detail': 'agent_a is required',
      'dlq-source-system': 'interactions',
      'dlq-source-position': 'test/7',
      'dlq-at': '2023-11-14T22:13:20.25Z',
    });
  });

  it('has the same id however often and whyever the same place in the source is refused', () => {
    const ids = [
      deadLetter(delivered(least), 'interactions', rejection, 1),
      deadLetter(delivered('other'), 'interactions', tooLarge, 2),
    ].map(({ id, headers }) => [id, headers['dlq-id']]);
    expect(ids).toEqual(Array(2).fill(['interactions:test/7', 'interactions:test/7']));
  });

  it('has another id for every other place', () => {
    const at = (source: string, sequence: number): string =>
      deadLetter(delivered(least, { position: { source, sequence } }), 'x', rejection, 1).id;
    expect(new Set([at('a', 1), at('a', 2), at('b', 1), at('b', 2)]).size).toBe(4);
  });

  it('keeps the bytes and the headers as they were', () => {
    const body = Buffer.from([0xff, 0x00, 0x7b, 0x0a]);
    const headers = { 'content-type': 'text/plain', 'ce-id': 'x' };
    const letter = deadLetter(delivered(body, { headers }), 's', rejection, 1);
    expect(Buffer.from(letter.body).equals(body)).toBe(true);
    expect(letter.headers).toMatchObject(headers);
  });

  it('is not misled by an event that brings headers of a dead letter', () => {
    const headers = { 'dlq-id': 'forged', 'dlq-reason': 'too_large' };
    const letter = deadLetter(delivered(least, { headers }), 's', rejection, 1);
    expect(letter.headers).toMatchObject({ 'dlq-id': 's:test/7', 'dlq-reason': 'invalid_event' });
  });

  it('goes to the tenant of the subject', () => {
    expect(deadLetter(delivered(least, { tenant: 'blue' }), 's', rejection, 1).tenant).toBe('blue');
  });

  it.each(['', 'a.b', '*', 'x'.repeat(4_000)])(
    'goes to the default tenant where the subject names %j',
    (tenant) => {
      expect(deadLetter(delivered(least, { tenant }), 's', rejection, 1).tenant).toBe('default');
    },
  );

  it('keeps 64 KiB of what is too large, its length and its SHA-256', () => {
    const body = Buffer.alloc(100_000, 'abc');
    const letter = deadLetter(delivered(body), 's', tooLarge, 1);
    expect(Buffer.from(letter.body).equals(body.subarray(0, 65_536))).toBe(true);
    expect(letter.body.buffer.byteLength).toBe(65_536);
    expect(letter.headers).toMatchObject({
      'dlq-original-length': '100000',
      'dlq-original-sha256': sha256(body),
      'dlq-detail': 'must have at most 10 bytes',
    });
  });

  it('says what the source knows of the whole when the source kept only the beginning', () => {
    const letter = deadLetter(
      delivered(Buffer.alloc(11), { original: { bytes: 5e9, sha256: 'ab' } }),
      's',
      tooLarge,
      1,
    );
    expect(letter.headers).toMatchObject({
      'dlq-original-length': '5000000000',
      'dlq-original-sha256': 'ab',
    });
  });

  it('keeps all of what is refused for another reason', () => {
    const body = Buffer.alloc(100_000, ' ');
    const letter = deadLetter(delivered(body), 's', rejection, 1);
    expect(letter.body.byteLength).toBe(100_000);
    expect(letter.headers).not.toHaveProperty('dlq-original-length');
  });

  it('goes with its first 64 KiB, its length and its SHA-256 where the broker takes no more', () => {
    const body = Buffer.alloc(300_000, 'abc');
    const headers = { 'content-type': 'text/plain' };
    const letter = deadLetter(delivered(body, { headers }), 's', rejection, 1).cutTo?.(200_000);
    expect(letter).toMatchObject({ id: 's:test/7', tenant: 'default', key: 'invalid_event' });
    expect(Buffer.from(letter?.body ?? []).equals(body.subarray(0, 65_536))).toBe(true);
    expect(letter?.headers).toMatchObject({
      ...headers,
      'dlq-detail': 'agent_a is required',
      'dlq-original-length': '300000',
      'dlq-original-sha256': sha256(body),
    });
    expect(letter?.cutTo).toBeUndefined();
  });

  it('fits into what a broker takes, whatever its body and its headers', () => {
    const text = fc.string({ unit: 'binary', maxLength: 3_000 });
    const headers = fc.dictionary(text, text, { maxKeys: 40 });
    const limit = fc.integer({ min: 2_048, max: 100_000 });
    fc.assert(
      fc.property(
        headers,
        limit,
        fc.nat(200_000),
        fc.constantFrom(rejection, tooLarge),
        (given, most, bytes, why) => {
          const event = delivered(Buffer.alloc(bytes), { headers: given });
          const letter = deadLetter(event, 'nats', why, 1).cutTo?.(most);
          const sent = Object.entries(letter?.headers ?? {});
          const size = sent.reduce(
            (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4,
            letter?.body.byteLength ?? Number.NaN,
          );
          expect(size).toBeLessThanOrEqual(most);
          const omitted = Object.keys(given).filter((name) => !sent.some(([kept]) => kept === name)).length;
          expect(letter?.headers['dlq-headers-omitted'] ?? '0').toBe(String(omitted));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps a header that is called as a prototype is', () => {
    const given = Object.fromEntries([['__proto__', 'kept']]);
    const letter = deadLetter(delivered(least, { headers: given }), 'nats', rejection, 1).cutTo?.(2_048);
    expect(Object.entries(letter?.headers ?? {})).toContainEqual(['__proto__', 'kept']);
  });

  it('has headers of one short line, whatever the event and its rejection say', () => {
    const text = fc.string({ unit: 'binary', maxLength: 2_000 });
    fc.assert(
      fc.property(text, text, text, (source, field, rule) => {
        const event = delivered(least, { position: { source, sequence: 1 } });
        const { headers } = deadLetter(event, source, { ...rejection, field, rule }, 1);
        for (const value of Object.values(headers)) expect(value).not.toMatch(/\p{Cc}/u);
        expect(headers['dlq-detail']?.length).toBeLessThanOrEqual(501);
        expect(headers['dlq-detail']?.isWellFormed()).toBe(true);
      }),
    );
  });
});
