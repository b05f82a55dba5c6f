import { type AcceptedCommand, decodeCommand } from '../events/command.js';
import { deliveredEvent } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { EventSource, Rejection, SourceMessage } from '../ports.js';
import { transitionClock } from '../trust/evaluator.js';
import type { Transition } from '../trust/transition.js';
import { refusalOf, refuse, type Work } from './work.js';

/** Reads operators' commands to the end of their source. They are few: each is applied by itself. */
export async function runCommands(work: Work, source: EventSource): Promise<void> {
  for (;;) {
    const batch = await work.must(`read ${source.name}`, () => source.read(work.maxBatch, work.idleMs));
    if (batch === null) return;
    work.handed.note(batch.messages);
    for (const message of batch.messages) await runCommand(work, source, message);
    await work.must(`acknowledge ${source.name}`, () => batch.ack());
  }
}

async function runCommand(work: Work, source: EventSource, message: SourceMessage): Promise<void> {
  const command = decodeCommand(deliveredEvent(source, message), work.limits);
  const outcome = isRejection(command) ? command : await applyCommand(work, command);
  if ('rule' in outcome) {
    await refuse(work, source, [{ message, rejection: outcome }]);
    message.settle?.({ kind: 'rejected', rejection: outcome });
    return;
  }
  await work.publish();
  message.settle?.({ kind: 'accepted', changed: outcome.length > 0, transitions: outcome });
}

/** What the command did to the circuit, or why the store does not take it. */
export async function applyCommand(
  work: Work,
  command: AcceptedCommand,
): Promise<Rejection | readonly Transition[]> {
  const policy = work.policies().policyOf(command.tenant, command.agentA, command.agentB);
  const result = await work.must('apply a command', () =>
    work.store.command({ ...command, policy, rules: work.rules, nowMs: transitionClock(work.clock()) }),
  );
  return refusalOf(result) ?? (result.kind === 'applied' ? result.transitions : []);
}
