import { messageOf } from '../errors.js';
import { circuitEvent } from '../events/circuit.js';
import type { Settlement } from '../ports.js';
import type { CommandIntake, HealthParts, Intake } from './api.js';
import type { Item } from './split.js';

/** Passing events on did not come to an end. They may or may not have been applied. */
export class IntakeUnavailable extends Error {
  override readonly name = 'IntakeUnavailable';
}

/**
 * Sends events on and waits until each is settled: taken for good, or refused.
 *
 * @throws IntakeUnavailable when too much is waiting, or when it takes too long.
 */
export async function settleAll(
  parts: HealthParts,
  intake: Intake,
  items: readonly Item[],
): Promise<Settlement[]> {
  const { maxBacklogBytes, answerWithinMs } = parts.limits;
  if (intake.backlogBytes > maxBacklogBytes)
    throw new IntakeUnavailable('too many events are waiting to be applied');
  const settlements: Settlement[] = [];
  let open = 0;
  const all = new Promise<void>((resolve, reject) => {
    const messages = items.flatMap(({ body, headers, rejection }, index) => {
      if (rejection !== undefined) {
        settlements[index] = { kind: 'rejected', rejection };
        return [];
      }
      open++;
      const settle = (settlement: Settlement): void => {
        settlements[index] = settlement;
        if (--open === 0) resolve();
      };
      return [{ body, headers, settle }];
    });
    if (open === 0) resolve();
    else intake.send(messages).catch((cause: unknown) => reject(notTaken(cause)));
  });
  await within(answerWithinMs, all, () => notApplied(parts.troubled()));
  return settlements;
}

/** Commands through a stream of this process: each is answered when it is applied. */
export function commandIntake(parts: HealthParts, intake: Intake): CommandIntake {
  return async ({ body, tenant }) => {
    const [settlement] = await settleAll(parts, intake, [{ body, headers: {} }]);
    if (settlement === undefined) throw new IntakeUnavailable('the command was not settled');
    if (settlement.kind === 'rejected') return settlement;
    const events = settlement.transitions.map((transition) =>
      circuitEvent({ tenant, transition, traceparent: null }),
    );
    return { kind: 'applied', events };
  };
}

function notTaken(cause: unknown): IntakeUnavailable {
  return new IntakeUnavailable(`the events were not taken: ${messageOf(cause)}`, { cause });
}

function notApplied(troubled: readonly string[]): IntakeUnavailable {
  const why = troubled.length > 0 ? `cannot ${troubled.join(', cannot ')}` : 'it takes too long';
  return new IntakeUnavailable(`the events are not applied yet: ${why}`);
}

async function within(ms: number, work: Promise<void>, late: () => Error): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
