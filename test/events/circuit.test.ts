import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { circuitEvent, circuitMessage } from '../../src/events/circuit.js';
import { circuitEventSchema } from '../../src/events/schemas.js';
import { circuitStates } from '../../src/trust/circuit.js';
import { makePairId } from '../../src/trust/pair.js';
import type { Cause, TransitionType } from '../../src/trust/transition.js';
import { openedEntry } from '../helpers/transition.js';

const pairId = makePairId('ann', 'bob');

describe('a circuit event', () => {
  it('says all about the transition, in a CloudEvent', () => {
    expect(circuitEvent(openedEntry())).toEqual({
      specversion: '1.0',
      id: `default/${pairId}/1700000000123`,
      source: 'fulcrum-trust',
      type: 'fulcrum.trust.circuit.opened.v1',
      time: '2023-11-14T22:13:20.5Z',
      datacontenttype: 'application/json',
      data: {
        tenant: 'default',
        pair_id: pairId,
        agent_a: 'ann',
        agent_b: 'bob',
        from: 'CLOSED',
        to: 'OPEN',
        trust_score: 0.25,
        alpha: 1,
        beta: 3,
        interaction_count: 2,
        threshold: 0.3,
        policy: { name: 'default', version: 1 },
        transition: 1_700_000_000_123,
        previous_transition: 0,
        occurred_at: 1_700_000_000.5,
        recovers_at: 1_700_050_541.25,
        cause: { kind: 'interaction', event_id: 'e-2', outcome: 'failure' },
        enforced: true,
        opening: 'mean',
      },
    });
  });

  it('says under opening: change what the circuit was judged by', () => {
    const explanation = '6 failures in a row where 2 % is usual';
    const change = { evidence: 10_000, normalRate: 0.02, failureRun: 6, explanation };
    expect(circuitEvent(openedEntry({ change })).data).toMatchObject({
      opening: 'change',
      change_evidence: 10_000,
      normal_rate: 0.02,
      failure_run: 6,
      explanation,
    });
  });

  it('of an older processor is one of a circuit that opens by the mean', () => {
    const { data, ...event } = circuitEvent(openedEntry());
    const { opening: _, ...older } = data;
    expect(circuitEventSchema.parse({ ...event, data: older }).data.opening).toBe('mean');
  });

  it.each<[TransitionType, string]>([
    ['opened', 'fulcrum.trust.circuit.opened.v1'],
    ['half_opened', 'fulcrum.trust.circuit.half_opened.v1'],
    ['closed', 'fulcrum.trust.circuit.closed.v1'],
    ['terminated', 'fulcrum.trust.circuit.terminated.v1'],
    ['reset', 'fulcrum.trust.circuit.reset.v1'],
  ])('of a circuit that %s is a %s', (type, eventType) => {
    expect(circuitEvent(openedEntry({ type })).type).toBe(eventType);
  });

  it('names the recovery or the operator that caused it', () => {
    expect(circuitEvent(openedEntry({ cause: { kind: 'recovery' } })).data.cause).toEqual({
      kind: 'recovery',
    });
    const cause: Cause = { kind: 'operator', eventId: 'c-1', actor: 'ann', reason: 'runaway' };
    expect(circuitEvent(openedEntry({ cause })).data.cause).toEqual({
      kind: 'operator',
      event_id: 'c-1',
      actor: 'ann',
      reason: 'runaway',
    });
  });

  it('passes the trace context of its cause on, and has none when there was none', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(circuitEvent(openedEntry({}, { traceparent })).traceparent).toBe(traceparent);
    expect(circuitEvent(openedEntry())).not.toHaveProperty('traceparent');
  });

  it('is the same, byte for byte, however often it is made, and wherever it lay in the outbox', () => {
    const once = circuitMessage(openedEntry({}, { id: '1' }));
    const again = circuitMessage(structuredClone(openedEntry({}, { id: '2' })));
    expect(Buffer.from(again.body).equals(Buffer.from(once.body))).toBe(true);
    expect(again).toEqual(once);
  });

  it('goes out under its own id, keyed by its pair', () => {
    const message = circuitMessage(openedEntry({}, { tenant: 'blue' }));
    expect(message).toMatchObject({
      channel: 'circuits',
      id: `blue/${pairId}/1700000000123`,
      tenant: 'blue',
      key: pairId,
      headers: { 'content-type': 'application/cloudevents+json' },
    });
  });

  it('validates against its published schema, whatever the transition', () => {
    const time = fc.double({ min: 0, max: 4e9, noNaN: true });
    const cause = fc.oneof(
      fc.constant<Cause>({ kind: 'recovery' }),
      fc
        .string({ unit: 'binary' })
        .map((eventId): Cause => ({ kind: 'interaction', eventId, outcome: 'partial' })),
      fc
        .string({ unit: 'binary' })
        .map((text): Cause => ({ kind: 'operator', eventId: 'c', actor: text, reason: text })),
    );
    const changes = fc.record({
      type: fc.constantFrom<TransitionType>('opened', 'half_opened', 'closed', 'terminated', 'reset'),
      from: fc.constantFrom(...circuitStates),
      to: fc.constantFrom(...circuitStates),
      trustScore: fc.double({ min: 0, max: 1, noNaN: true }),
      interactionCount: fc.nat(),
      transition: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      occurredAt: time,
      recoversAt: fc.option(time),
      enforced: fc.boolean(),
      cause,
    });
    fc.assert(
      fc.property(changes, (change) => {
        const { body } = circuitMessage(openedEntry(change));
        const event = JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
        expect(circuitEventSchema.parse(event)).toEqual(event);
      }),
    );
  });
});
