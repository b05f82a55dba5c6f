import type { Primitive, ProgramHost } from '../ports.js';

const looking: readonly Primitive[] = ['peek', 'grep', 'llmBatch'];

/** Which partitions the programs of a run were shown something of. */
export class Looked implements ProgramHost {
  readonly #partitionOf: ReadonlyMap<string, number>;
  readonly #seen = new Set<number>();

  /**
   * @param handles of the transcript, in order
   * @param shown of those that the model has been told something of before
   */
  constructor(
    private readonly host: ProgramHost,
    handles: readonly string[],
    shown: readonly string[],
  ) {
    this.#partitionOf = new Map(handles.map((handle, i) => [handle, i]));
    this.#note(shown);
  }

  has(partition: number): boolean {
    return this.#seen.has(partition);
  }

  async call(primitive: Primitive, args: readonly unknown[]): Promise<unknown> {
    const answer = await this.host.call(primitive, args);
    if (looking.includes(primitive)) {
      this.#note(args[0]);
      this.#note(answer);
    }
    return answer;
  }

  /** Handles by themselves, in lists, and of parts and hits; never those that stand in a text. */
  #note(value: unknown): void {
    if (typeof value === 'string') {
      const partition = this.#partitionOf.get(value);
      if (partition !== undefined) this.#seen.add(partition);
    } else if (Array.isArray(value)) for (const one of value) this.#note(one);
    else if (typeof value === 'object' && value !== null)
      for (const key of ['handle', 'hits']) this.#note((value as Record<string, unknown>)[key]);
  }
}
