import type { SourceProgress } from './ports.js';

/** Tells when all that the logs of a source held, when they were first asked, is read. Pure. */
export class CatchUp {
  private readonly ends = new Map<string, number>();
  private readonly read = new Set<string>();

  /**
   * @param logs every log of the source.
   * @param progress of those that can say; a log that never said is not read.
   */
  isDone(logs: readonly string[], progress: readonly SourceProgress[]): boolean {
    for (const { source, acknowledged, last, next } of progress) {
      const end = this.ends.get(source) ?? last;
      this.ends.set(source, end);
      // What is not for this reader is never acknowledged by it, so the end may not be reached.
      if (next === null || acknowledged >= end) this.read.add(source);
    }
    return logs.every((log) => this.read.has(log));
  }
}
