import type { SourceMessage } from '../ports.js';

/**
 * The highest position of each log that was handed to this process. Up to there it may have applied events, whether or
 * not they are acknowledged yet.
 */
export class Handed {
  private readonly highest = new Map<string, number>();

  note(messages: readonly SourceMessage[]): void {
    let log = '';
    let most = 0;
    // Of one log many follow each other.
    for (const { position } of messages) {
      if (position.source !== log) {
        this.raise(log, most);
        log = position.source;
        most = 0;
      }
      if (position.sequence > most) most = position.sequence;
    }
    this.raise(log, most);
  }

  of(log: string): number {
    return this.highest.get(log) ?? 0;
  }

  private raise(log: string, sequence: number): void {
    if (sequence > this.of(log)) this.highest.set(log, sequence);
  }
}
