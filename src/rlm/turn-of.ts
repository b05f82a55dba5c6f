import { type DeliveredEvent, type EventLimits, openEvent } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { interactionKind } from '../events/interaction.js';
import type { Rejection } from '../ports.js';
import type { TurnToKeep } from './ports.js';

/** The session of an interaction that names none. */
export const defaultSession = 'default';

/**
 * What an interaction said, as a turn of its session. Null where it has no `content`, or an empty one; a rejection where the
 * event is none that the trust path takes either. The speaker is the attribute `speaker`, where that is a text that is not
 * empty, else `agent_a`. Half a surrogate pair becomes U+FFFD: no store keeps it.
 */
export function turnOf(event: DeliveredEvent, limits: EventLimits): TurnToKeep | Rejection | null {
  const opened = openEvent(event, limits, interactionKind);
  if (isRejection(opened)) return opened;
  const { agent_a: agentA, attributes, content, session_id: session = defaultSession } = opened.data;
  if (content === undefined || content === '') return null;
  const { tenant, pairId, time, eventId } = opened.common;
  const speaker = attributes?.['speaker'];
  return {
    tenant,
    pairId,
    session,
    turn: {
      speaker: (typeof speaker === 'string' && speaker !== '' ? speaker : agentA).toWellFormed(),
      text: content.toWellFormed(),
      time,
      eventId,
    },
    position: event.position,
  };
}
