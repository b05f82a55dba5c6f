/** When resets took effect, as their circuit events tell it. Pure. */
import type { CircuitEvent } from '../events/schemas.js';
import { eventTypes } from '../events/schemas.js';
import type { CommandToApply } from '../ports.js';

/**
 * A reset takes effect at its own time or at that of the pair's last event, whichever is later. When it is applied again to
 * a pair that does not have those events yet, only its circuit event knows. A reset of a pair without state had none.
 */
export class PinnedResets {
  private readonly takesEffectAt = new Map<string, number>();

  /** How many resets are pinned. */
  get size(): number {
    return this.takesEffectAt.size;
  }

  take({ type, data }: CircuitEvent): void {
    if (type !== eventTypes.reset || data.cause.kind !== 'operator') return;
    const key = keyOf(data.tenant, data.pair_id, data.cause.event_id);
    const known = this.takesEffectAt.get(key);
    // Applied twice, by a store that had lost it: what came between the two counted for nobody in the end.
    if (known === undefined || known < data.occurred_at) this.takesEffectAt.set(key, data.occurred_at);
  }

  /** The command, with the time that its circuit event tells, where it is a reset that has one. */
  pin<C extends Pick<CommandToApply, 'action' | 'tenant' | 'pairId' | 'eventId'>>(
    command: C,
  ): C & Pick<CommandToApply, 'takesEffectAt'> {
    const { action, tenant, pairId, eventId } = command;
    const takesEffectAt =
      action === 'reset' ? this.takesEffectAt.get(keyOf(tenant, pairId, eventId)) : undefined;
    return takesEffectAt === undefined ? command : { ...command, takesEffectAt };
  }
}

/** A command is known by its id within its pair: producers choose ids. */
function keyOf(tenant: string, pairId: string, eventId: string): string {
  return `${tenant}/${pairId}/${eventId}`;
}
