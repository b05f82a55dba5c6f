import { excerptLength, type Mark } from '../detect/marks.js';
import type { Turn } from '../transcript.js';

/** Every turn of a transcript by its number, with the partition in which it begins. */
export class TurnBook {
  readonly #turns: Turn[] = [];
  readonly #partitions: number[] = [];
  readonly #spokenBy = new Map<string, number>();

  add(turn: Turn, partition: number): void {
    this.#turns.push(turn);
    this.#partitions.push(partition);
    this.#spokenBy.set(turn.speaker, (this.#spokenBy.get(turn.speaker) ?? 0) + 1);
  }

  get count(): number {
    return this.#turns.length;
  }

  /** Undefined: there is no such turn. */
  at(turn: number): Turn | undefined {
    return this.#turns[turn];
  }

  /** What a finding says of a turn. */
  mark(turn: number): Mark | undefined {
    const said = this.#turns[turn];
    const partition = this.#partitions[turn];
    if (said === undefined || partition === undefined) return undefined;
    const { speaker, text, eventId } = said;
    return { turn, partition, eventId, speaker, excerpt: text.slice(0, excerptLength) };
  }

  /** How many turns each speaker has, the one with most first. */
  speakers(): readonly (readonly [speaker: string, turns: number])[] {
    return [...this.#spokenBy].sort(([, a], [, b]) => b - a);
  }
}
