import { decodeCommand } from '../events/command.js';
import { deliveredEvent } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { LogSource, SourceMessage } from '../ports.js';
import type { Work } from '../processor/work.js';
import { transitionClock } from '../trust/evaluator.js';
import type { PinnedResets } from './pinned-resets.js';
import { readUp } from './read-up.js';
import type { RebuildCounts } from './rebuild-counts.js';

/** Operators' commands as a rebuild applies them: all that were ever given, resets when they took effect. */
export class RebuiltCommands {
  /** Up to where each log is applied. */
  readonly applied = new Map<string, number>();

  constructor(
    private readonly work: Work,
    private readonly source: LogSource,
    private readonly resets: PinnedResets,
    private readonly counts: RebuildCounts,
  ) {}

  /** Applies what there is by now. */
  readUp(): Promise<boolean> {
    return readUp(this.source, this.work.must, (message) => this.apply(message));
  }

  private async apply(message: SourceMessage): Promise<void> {
    const { work, counts } = this;
    const decoded = decodeCommand(deliveredEvent(this.source, message), work.limits);
    if (isRejection(decoded)) counts.refused++;
    else {
      const command = this.resets.pin(decoded);
      const policy = work.policies().policyOf(command.tenant, command.agentA, command.agentB);
      const { rules, store } = work;
      const result = await work.must('apply a command', () =>
        store.command({ ...command, policy, rules, nowMs: transitionClock(work.clock()) }),
      );
      if (result.kind === 'rejected') counts.refused++;
      else counts.commands++;
      if (command.takesEffectAt !== undefined) counts.pinnedResets++;
    }
    this.applied.set(message.position.source, message.position.sequence);
  }
}
