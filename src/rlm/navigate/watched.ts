import { FulcrumError } from '../../errors.js';
import type { Primitive, ProgramHost } from '../ports.js';
import { type Draft, draftSchema } from '../program/draft.js';
import { mostSteps } from '../program/host.js';

/** What one program recorded and answered, seen on its way to the host. */
export class Watched implements ProgramHost {
  readonly steps: unknown[] = [];
  claim: Draft | null = null;

  constructor(private readonly host: ProgramHost) {}

  async call(primitive: Primitive, args: readonly unknown[]): Promise<unknown> {
    const answer = await this.host.call(primitive, args);
    if (primitive === 'updateAnswer') this.claim = claimOf(args[0]);
    if (primitive === 'recordStep' && this.steps.length < mostSteps) this.steps.push(args[0]);
    return answer;
  }
}

/** The host has taken it already. */
function claimOf(value: unknown): Draft {
  const parsed = draftSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FulcrumError('input', 'updateAnswer: the answer does not fit its schema');
}
