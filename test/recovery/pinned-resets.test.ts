import { expect, it } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { PinnedResets } from '../../src/recovery/pinned-resets.js';
import { makePairId } from '../../src/trust/pair.js';
import { circuitOf, resetOf } from './given.js';

const reset = {
  action: 'reset',
  tenant: 'default',
  pairId: makePairId('ann', 'bob'),
  eventId: 'c-1',
} as const;

function pinnedBy(...events: readonly CircuitEvent[]): PinnedResets {
  const pinned = new PinnedResets();
  for (const event of events) pinned.take(event);
  return pinned;
}

it('a reset takes effect when its circuit event says that it did', () => {
  expect(pinnedBy(resetOf('c-1', 500)).pin(reset)).toEqual({ ...reset, takesEffectAt: 500 });
});

it('a reset without a circuit event is left as it is', () => {
  const pinned = pinnedBy(resetOf('c-2', 500));
  expect(pinned.pin(reset)).toBe(reset);
  expect(pinned.size).toBe(1);
});

it('neither another tenant nor another pair has its event', () => {
  const pinned = pinnedBy(resetOf('c-1', 500));
  for (const other of [{ tenant: 'acme' }, { pairId: makePairId('ann', 'eve') }])
    expect(pinned.pin({ ...reset, ...other })).not.toHaveProperty('takesEffectAt');
});

it('a terminate is never pinned, and no other circuit event pins', () => {
  const pinned = pinnedBy(resetOf('c-1', 500));
  expect(pinned.pin({ ...reset, action: 'terminate' })).not.toHaveProperty('takesEffectAt');
  pinned.take(
    circuitOf({ cause: { kind: 'operator', eventId: 'c-9', actor: 'a', reason: '' }, type: 'terminated' }),
  );
  pinned.take(circuitOf());
  expect(pinned.size).toBe(1);
});

it('of a reset that was applied twice the later time holds, whatever comes first', () => {
  const pinned = new PinnedResets();
  for (const occurredAt of [500, 700, 600]) pinned.take(resetOf('c-1', occurredAt));
  expect(pinned.pin(reset).takesEffectAt).toBe(700);
});
