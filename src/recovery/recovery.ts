import type { LostTail } from '../ports.js';
import type { SharedParts } from '../processor/marking.js';
import type { Work } from '../processor/work.js';
import { GaveUp } from '../retry.js';
import { reread } from './reread.js';

/** What readiness says meanwhile. */
const trouble = 'vouch for what was written before the store was restarted: it is read again';

/** Brings back what a shared store lost, beside all else that is done. */
export class Recovery {
  private running: Promise<void> | null = null;
  private failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly work: Work,
    private readonly parts: SharedParts,
    private readonly signal: AbortSignal,
  ) {}

  /** While it is, nothing is marked: what is marked is surely in the store. @throws what it failed with */
  get isUnderWay(): boolean {
    if (this.failure !== null) throw this.failure.error;
    return this.running !== null;
  }

  begin(tail: LostTail): void {
    this.running = this.run(tail)
      .catch((error: unknown) => {
        if (!(error instanceof GaveUp)) this.failure = { error };
      })
      .finally(() => {
        this.running = null;
      });
  }

  /** Resolves when nothing is under way. @throws what it failed with */
  async settled(): Promise<void> {
    await this.running;
    if (this.failure !== null) throw this.failure.error;
  }

  private async run(tail: LostTail): Promise<void> {
    const { work, parts, signal } = this;
    const { broker } = parts;
    if (broker === null) {
      work.tell('the store was restarted or failed over: what it lost is in no log, and stays lost', 'warn');
      await this.adopt(tail);
      return;
    }
    const well = work.troubled(trouble);
    try {
      const begins = (positions: number): void =>
        tail.rebuilt === true
          ? work.tell(
              `the state was rebuilt: ${positions} positions that were acknowledged since are read`,
              'info',
            )
          : work.tell(
              `the store was restarted or failed over and may have lost writes: ${positions} positions are read again`,
              'warn',
            );
      const { overtaken } = parts;
      const done = await reread(work, { tail, broker, sources: parts, overtaken, signal, begins });
      if (done === null || !(await this.adopt(tail))) return;
      work.tell(
        `what the store ${tail.rebuilt === true ? 'did not have' : 'lost'} is applied again: ${done.lost} of ${done.interactions} interactions were not there, ` +
          `beside ${done.commands} commands; ${done.announced} circuits are told anew`,
        'info',
      );
    } finally {
      well();
    }
  }

  /** False: it was restarted once more, which the next mark finds. */
  private adopt(tail: LostTail): Promise<boolean> {
    return this.work.must('mark that nothing is lost any more', () => this.parts.store.adopt(tail));
  }
}
