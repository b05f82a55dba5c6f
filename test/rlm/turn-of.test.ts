import { describe, expect, it } from 'vitest';
import { type DeliveredEvent, defaultLimits } from '../../src/events/delivered.js';
import { isRejection } from '../../src/events/envelope.js';
import type { TurnToKeep } from '../../src/rlm/ports.js';
import { turnOf } from '../../src/rlm/turn-of.js';
import { makePairId } from '../../src/trust/pair.js';
import { binary, delivered, least, receivedAt, structured } from '../helpers/delivered.js';

const talking = { ...least, content: 'its tests fail' };

const of = (body: unknown, given: Partial<DeliveredEvent> = {}) =>
  turnOf(delivered(body, given), defaultLimits);

/** What an event that said something said. */
function said(body: unknown, given: Partial<DeliveredEvent> = {}): TurnToKeep {
  const turn = of(body, given);
  if (turn === null || isRejection(turn)) throw new Error(`said nothing: ${JSON.stringify(turn)}`);
  return turn;
}

const whole: TurnToKeep = {
  tenant: 'default',
  pairId: makePairId('ann', 'bob'),
  session: 'default',
  turn: { speaker: 'ann', text: 'its tests fail', time: receivedAt, eventId: 'test/7' },
  position: { source: 'test', sequence: 7 },
};

describe('the turn of an interaction', () => {
  it('that says the least is of agent_a, in the session default, when it came, named by its position', () => {
    expect(said(talking)).toEqual(whole);
  });

  it('has its tenant, session, time and event id', () => {
    const body = {
      ...talking,
      id: 'run-7/step-12',
      tenant: 'acme',
      session_id: 'run-7',
      time: receivedAt - 0.25,
    };
    expect(said(body)).toEqual({
      ...whole,
      tenant: 'acme',
      session: 'run-7',
      turn: { ...whole.turn, time: receivedAt - 0.25, eventId: 'run-7/step-12' },
    });
  });

  it('has those of its CloudEvent, in structured and in binary mode', () => {
    const fields = { time: '2023-11-14T22:13:19.5Z' };
    const expected = { ...whole, turn: { ...whole.turn, time: receivedAt - 0.5, eventId: 'e-1' } };
    expect(said(structured({ ...fields, data: talking }))).toEqual(expected);
    expect(said(talking, { headers: binary(fields) })).toEqual(expected);
  });

  it('has the tenant of its subject', () => {
    expect(said(talking, { tenant: 'acme' }).tenant).toBe('acme');
  });

  it('lies in one pair, whichever of the two spoke', () => {
    const back = said({ ...talking, agent_a: 'bob', agent_b: 'ann' });
    expect(back.pairId).toBe(whole.pairId);
    expect(back.turn.speaker).toBe('bob');
  });
});

describe('who speaks', () => {
  it('is whom the attribute speaker names, be it neither of the two', () => {
    for (const speaker of ['bob', 'user', ' ', 'ann "\0" é'])
      expect(said({ ...talking, attributes: { speaker } }).turn.speaker).toBe(speaker);
  });

  it.each([
    ['empty', ''],
    ['null', null],
    ['a number', 7],
    ['a boolean', true],
  ])('is agent_a where that attribute is %s', (_, speaker) => {
    expect(said({ ...talking, attributes: { speaker } }).turn.speaker).toBe('ann');
  });

  it('is agent_a where there are other attributes alone', () => {
    expect(said({ ...talking, attributes: { Speaker: 'bob', name: 'bob' } }).turn.speaker).toBe('ann');
  });
});

describe('what is said', () => {
  it.each([
    ['absent', least],
    ['empty', { ...least, content: '' }],
    ['in the task alone', { ...least, task: 'fix the tests' }],
  ])('is nothing where the content is %s', (_, body) => {
    expect(of(body)).toBeNull();
  });

  it('is kept as it is, blanks, line ends, zero bytes and all', () => {
    for (const content of [' ', '\r\n', 'a\0b\n\n€😀', '{"role":"user"}', '�'])
      expect(said({ ...talking, content }).turn.text).toBe(content);
  });

  it('has U+FFFD for half a surrogate pair, and so has who says it', () => {
    // As JSON.stringify writes them: an escape that is well-formed JSON and no text.
    const { turn } = said({ ...talking, content: 'cut 😀 \ud83d', attributes: { speaker: '\ude00bob' } });
    expect(turn).toMatchObject({ text: 'cut 😀 �', speaker: '�bob' });
  });

  it.each([
    ['a number', 7],
    ['a list of parts', [{ type: 'text', text: 'hello' }]],
    ['null', null],
  ])('is refused with its field where the content is %s', (_, content) => {
    expect(of({ ...least, content })).toMatchObject({
      reason: 'invalid_event',
      field: 'content',
      rule: 'must be a string',
    });
  });
});

it('an event that the trust path does not take has no turn, but the same reason', () => {
  expect(of('{"content": "broken')).toMatchObject({ reason: 'invalid_json' });
  expect(of({ ...talking, agent_b: undefined })).toMatchObject({ reason: 'invalid_event' });
  expect(of({ ...talking, time: receivedAt + 301 })).toMatchObject({ reason: 'time_in_future' });
  expect(of({ ...talking, tenant: 'acme' }, { tenant: 'other' })).toMatchObject({
    reason: 'tenant_mismatch',
  });
  expect(of({ ...talking, content: 'x'.repeat(defaultLimits.maxEventBytes) })).toMatchObject({
    reason: 'too_large',
  });
});
