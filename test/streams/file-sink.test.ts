import { appendFileSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../src/events/dead-letter.js';
import type { SinkMessage } from '../../src/ports.js';
import { deadLetterLine, FileSink } from '../../src/streams/file.js';
import { delivered } from '../helpers/delivered.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();

const letterOf = (body: unknown): SinkMessage =>
  deadLetter(delivered(body), 'in', { reason: 'invalid_event', field: 'agent_a', rule: 'is required' }, 0);

const linesOf = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('a dead letter in a file', () => {
  it('is one JSON object with its id, tenant, reason, headers and body', () => {
    expect(deadLetterLine(letterOf('{"agent_b":"ünï"}'))).toEqual({
      id: 'in:test/7',
      tenant: 'default',
      reason: 'invalid_event',
      headers: {
        'dlq-id': 'in:test/7',
        'dlq-reason': 'invalid_event',
        'dlq-detail': 'agent_a is required',
        'dlq-source-system': 'in',
        'dlq-source-position': 'test/7',
        'dlq-at': '1970-01-01T00:00:00Z',
      },
      body: '{"agent_b":"ünï"}',
    });
  });

  it('has its body in base64 where that is not UTF-8', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    const line = deadLetterLine(letterOf(bytes));
    expect(line).not.toHaveProperty('body');
    expect(Buffer.from(String(line['body_base64']), 'base64').equals(bytes)).toBe(true);
  });

  it('keeps a byte order mark and control characters', () => {
    expect(deadLetterLine(letterOf('\uFEFF\u0000\n'))['body']).toBe('\uFEFF\u0000\n');
  });
});

describe('a file of dead letters', () => {
  it('takes a line for each, after those that are there', async () => {
    const path = freshPath();
    await new FileSink(path).publish([letterOf('1'), letterOf('2\n3')]);
    await new FileSink(path).publish([letterOf('4')]);
    expect(linesOf(path)).toMatchObject([{ body: '1' }, { body: '2\n3' }, { body: '4' }]);
    expect(readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
  });

  it('does not spoil the next line when a crash left half of one', async () => {
    const path = freshPath();
    const sink = new FileSink(path);
    await sink.publish([letterOf('1')]);
    appendFileSync(path, '{"id":"in:te');
    await sink.publish([letterOf('2')]);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ body: '2' });
  });

  it('says so when it cannot be written', async () => {
    await expect(new FileSink(`${freshPath()}/none/here`).publish([letterOf('1')])).rejects.toThrow('ENOENT');
  });
});
