import type { LostTail, SharedStore, SourceMark } from '../ports.js';
import type { Work } from '../processor/work.js';

type Positions = ReadonlyMap<string, number>;

/** The marks of a state that one process makes anew, and what its server loses of it meanwhile. */
export class RebuiltMarks {
  /** What was lost, and up to where it is to be applied again before the store is told that it is. */
  private lost: { readonly tail: LostTail; readonly upTo: Positions } | null = null;

  constructor(
    private readonly work: Pick<Work, 'must'>,
    private readonly store: SharedStore,
  ) {}

  /** Where each log that was ever marked goes on. */
  async read(): Promise<Positions> {
    const marks = await this.work.must('read the marks', () => this.store.marks());
    return new Map(marks.map(({ source, acknowledged }) => [source, acknowledged]));
  }

  /**
   * @param reached up to where each log is applied, be it by an earlier rebuild
   * @param all nothing more is to be read
   * @returns what was lost and has to be read again, null: nothing
   */
  async write(marks: readonly SourceMark[], reached: Positions, all = false): Promise<LostTail | null> {
    const { must } = this.work;
    const { lost } = this;
    if (lost !== null) {
      if (!all && !isPast(reached, lost.upTo)) return null;
      // Where that is not taken, the mark says what is lost now.
      await must('adopt the state', () => this.store.adopt(lost.tail));
      this.lost = null;
    }
    const tail = await must('write the marks', () => this.store.mark(marks));
    if (tail !== null) this.lost = { tail, upTo: reached };
    return tail;
  }
}

function isPast(reached: Positions, upTo: Positions): boolean {
  return [...upTo].every(([source, position]) => (reached.get(source) ?? 0) >= position);
}
