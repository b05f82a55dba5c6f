import { decodeCommand } from '../events/command.js';
import { isRejection } from '../events/envelope.js';
import type { EventSource, Rejection, SourceMessage } from '../ports.js';
import { transitionClock } from '../trust/evaluator.js';
import type { Transition } from '../trust/transition.js';
import { deliveredEvent, refusalOf, refuse, type Work } from './work.js';

/** Reads operators' commands to the end of their source. They are few: each is applied by itself. */
export async function runCommands(work: Work, source: EventSource): Promise<void> {
  for (;;) {
    const batch = await work.must(`read ${source.name}`, () => source.read(work.maxBatch, work.idleMs));
    if (batch === null) return;
    for (const message of batch.messages) await runCommand(work, source, message);
    await work.must(`acknowledge ${source.name}`, () => batch.ack());
  }
}

async function runCommand(work: Work, source: EventSource, message: SourceMessage): Promise<void> {
  const outcome = await apply(work, source, message);
  if ('rule' in outcome) {
    await refuse(work, source, [{ message, rejection: outcome }]);
    message.settle?.({ kind: 'rejected', rejection: outcome });
    return;
  }
  await work.publish();
  message.settle?.({ kind: 'accepted', changed: outcome.length > 0, transitions: outcome });
}

async function apply(
  work: Work,
  source: EventSource,
  message: SourceMessage,
): Promise<Rejection | readonly Transition[]> {
  const command = decodeCommand(deliveredEvent(source, message), work.limits);
  if (isRejection(command)) return command;
  const policy = work.policies().policyOf(command.tenant, command.agentA, command.agentB);
  const result = await work.must('apply a command', () =>
    work.store.command({ ...command, policy, rules: work.rules, nowMs: transitionClock(work.clock()) }),
  );
  return refusalOf(result) ?? (result.kind === 'applied' ? result.transitions : []);
}
