import { describe, expect, it } from 'vitest';
import { decodeCommand } from '../../src/events/command.js';
import { type DeliveredEvent, defaultLimits } from '../../src/events/delivered.js';
import { isRejection } from '../../src/events/envelope.js';
import { makePairId } from '../../src/trust/pair.js';
import { binary, delivered, least, receivedAt, structured } from '../helpers/delivered.js';

const decode = (body: unknown, given: Partial<DeliveredEvent> = {}) =>
  decodeCommand(delivered(body, given), defaultLimits);

const type = 'fulcrum.trust.command.v1';
const terminate = { agent_a: 'ann', agent_b: 'bob', action: 'terminate' };
const whole = {
  tenant: 'default',
  pairId: makePairId('ann', 'bob'),
  agentA: 'ann',
  agentB: 'bob',
  action: 'terminate',
  time: receivedAt,
  actor: 'unknown',
  reason: '',
  eventId: 'e-1',
  traceparent: null,
};

describe("an operator's command", () => {
  it('may come in each of the three forms', () => {
    expect(decode(structured({ type, data: terminate }))).toEqual(whole);
    expect(decode(terminate, { headers: binary({ type }) })).toEqual(whole);
    expect(decode({ ...terminate, id: 'e-1' })).toEqual(whole);
  });

  it('says who asks, and why, if it likes', () => {
    const command = decode({ ...terminate, action: 'reset', actor: 'ann@ops', reason: 'two\nlines' });
    expect(command).toMatchObject({ action: 'reset', actor: 'ann@ops', reason: 'two\nlines' });
    expect(isRejection(command)).toBe(false);
  });

  it('is named by where it lies when it has no id', () => {
    expect(decode(terminate)).toMatchObject({ eventId: 'test/7' });
  });

  it.each<[what: object, field: string, rule: string]>([
    [{ action: undefined }, 'action', 'is required'],
    [{ action: 'kill' }, 'action', 'must be one of terminate, reset'],
    [{ action: 1 }, 'action', 'must be one of terminate, reset'],
    [{ agent_a: undefined }, 'agent_a', 'is required'],
    [{ agent_b: 'x'.repeat(257) }, 'agent_b', 'must have 1 to 256 characters'],
    [{ actor: 5 }, 'actor', 'must be a string'],
    [{ actor: 'x'.repeat(257) }, 'actor', 'must have at most 256 characters'],
    [{ reason: null }, 'reason', 'must be a string'],
    [{ reason: 'x'.repeat(4_097) }, 'reason', 'must have at most 4096 characters'],
    [{ tenant: 'a b' }, 'tenant', 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -'],
    [{ time: true }, 'time', expect.stringContaining('must be an RFC 3339 time')],
  ])('says which field breaks which rule: %o', (what, field, rule) => {
    expect(decode({ ...terminate, ...what })).toEqual({ reason: 'invalid_event', field, rule });
  });

  it('takes an actor and a reason by code points', () => {
    const words = { actor: '😀'.repeat(256), reason: '😀'.repeat(4_096) };
    expect(decode({ ...terminate, ...words })).toMatchObject(words);
  });

  it('must not lie more than 300 s ahead', () => {
    expect(decode({ ...terminate, time: receivedAt + 300 })).toMatchObject({ time: receivedAt + 300 });
    expect(decode({ ...terminate, time: receivedAt + 301 })).toMatchObject({ reason: 'time_in_future' });
  });

  it('must be for the tenant of its subject', () => {
    expect(decode(terminate, { tenant: 'red' })).toMatchObject({ tenant: 'red' });
    expect(decode({ ...terminate, tenant: 'blue' }, { tenant: 'red' })).toMatchObject({
      reason: 'tenant_mismatch',
      field: 'tenant',
    });
    expect(decode(terminate, { tenant: 'r d' })).toMatchObject({ reason: 'invalid_event', field: 'subject' });
  });

  it('is no interaction, and an interaction is no command', () => {
    expect(decode(structured({ data: least }))).toMatchObject({
      reason: 'unsupported_type',
      field: 'type',
      rule: 'must be fulcrum.trust.command.v1, got "fulcrum.trust.interaction.v1"',
    });
    expect(decode(least)).toMatchObject({ field: 'action', rule: 'is required' });
  });

  it('must not be longer than the limit', () => {
    expect(decode(JSON.stringify(terminate).padEnd(262_145))).toMatchObject({ reason: 'too_large' });
  });
});
