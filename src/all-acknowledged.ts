import { FulcrumError } from './errors.js';
import type { SourceStanding } from './ports.js';

/** Tells when all that some logs held, when it was first asked, is acknowledged by those who read them together. */
export class AllAcknowledged {
  private ends: ReadonlyMap<string, number> | null = null;

  constructor(private readonly standing: () => Promise<readonly SourceStanding[]>) {}

  /** One who may not look, or cannot just now, never learns of it. */
  async ask(): Promise<boolean> {
    const standing = await this.look();
    if (standing.length === 0) return false;
    this.ends ??= new Map(standing.map(({ source, last }) => [source, last]));
    const reached = new Map(standing.map(({ source, acknowledged }) => [source, acknowledged]));
    return [...this.ends].every(([source, end]) => (reached.get(source) ?? 0) >= end);
  }

  private async look(): Promise<readonly SourceStanding[]> {
    try {
      return await this.standing();
    } catch (error) {
      if (error instanceof FulcrumError) return [];
      throw error;
    }
  }
}
