import { FulcrumError } from '../errors.js';
import { splitByTokens, type TokenCounter, whitespaceTokens } from './tokens.js';
import type { Turn } from './transcript.js';

export const defaultPartitionTokens = 2_048;
/** As a library; the worker and `analyze` take `largeTokenBudget`. */
export const defaultTokenBudget = 128_000;
export const largeTokenBudget = 10_000_000;

export interface ContextOptions {
  /** Tokens of a partition at most. @defaultValue 2,048 */
  readonly partitionTokens?: number;
  /** Tokens of a transcript at most. @defaultValue 128,000 */
  readonly tokenBudget?: number;
  /** @defaultValue runs of characters between white space */
  readonly counter?: TokenCounter;
}

/** A transcript has more tokens than its budget. */
export class ContextExhausted extends FulcrumError {
  constructor(
    /** Tokens of the transcript, up to and including the turn that went over the budget. */
    readonly tokens: number,
    readonly budget: number,
    session: string,
  ) {
    super(
      'context_exhausted',
      `the transcript of session ${session} has ${tokens} tokens or more, the budget is ${budget}: ` +
        'raise the token budget, or analyse a shorter part of it',
    );
  }
}

/** The handle of a partition: `ctx://<session>/<0000>`, the session percent-encoded, more digits past 9999. */
export function handleOf(session: string, partition: number): string {
  return `ctx://${encodeURIComponent(session)}/${String(partition).padStart(4, '0')}`;
}

/** One stretch of a transcript, or what of it is in one partition. */
export interface Piece {
  readonly partition: number;
  readonly text: string;
}

/**
 * Lays turns into partitions as they come, and holds nothing of them. A turn goes whole into one partition, a
 * new one where the current has no room; only a turn larger than a partition is cut, into partitions of its own.
 */
export class Partitioner {
  readonly #partitionTokens: number;
  readonly #budget: number;
  readonly #counter: TokenCounter;
  #partition = 0;
  #filled = 0;
  #tokens = 0;
  #started = false;

  /** @throws FulcrumError `usage` for an option that is no whole number above 0 */
  constructor(
    readonly session: string,
    { partitionTokens, tokenBudget, counter }: ContextOptions = {},
  ) {
    this.#partitionTokens = wholeAboveZero('partitionTokens', partitionTokens ?? defaultPartitionTokens);
    this.#budget = wholeAboveZero('tokenBudget', tokenBudget ?? defaultTokenBudget);
    this.#counter = counter ?? whitespaceTokens;
  }

  /** Tokens so far. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Partitions so far. */
  get count(): number {
    return this.#started ? this.#partition + 1 : 0;
  }

  /**
   * The partition in which the next turn begins; `take` is given each piece of it with its partition.
   * @throws ContextExhausted when the turn goes over the budget
   */
  place(text: string, take: (piece: Piece) => void = () => {}): number {
    const tokens = this.#counter.count(text);
    this.#tokens += tokens;
    if (this.#tokens > this.#budget) throw new ContextExhausted(this.#tokens, this.#budget, this.session);
    if (this.#filled > 0 && this.#filled + tokens > this.#partitionTokens) this.#next();
    this.#started = true;
    const first = this.#partition;
    if (tokens <= this.#partitionTokens) {
      this.#filled += tokens;
      take({ partition: first, text });
      return first;
    }
    for (const piece of splitByTokens(text, this.#partitionTokens, this.#counter)) {
      if (this.#filled > 0) this.#next();
      this.#filled = this.#counter.count(piece);
      take({ partition: this.#partition, text: piece });
    }
    return first;
  }

  #next(): void {
    this.#partition += 1;
    this.#filled = 0;
  }
}

/** One stretch of a transcript that can be looked at by its handle. */
export interface Partition {
  readonly handle: string;
  readonly tokens: number;
  /** The turns of which something is in it, first and last, counted from 0. */
  readonly firstTurn: number;
  readonly lastTurn: number;
  /** The turns as lines `speaker: text`. */
  readonly text: string;
}

/** A whole transcript in partitions, for whoever has to go back and forth in it; held as text, bounded by its budget. */
export class Context {
  readonly handles: readonly string[];
  readonly #byHandle: ReadonlyMap<string, Partition>;

  private constructor(
    readonly session: string,
    readonly partitions: readonly Partition[],
    readonly tokens: number,
    readonly turns: number,
  ) {
    this.handles = partitions.map(({ handle }) => handle);
    this.#byHandle = new Map(partitions.map((partition) => [partition.handle, partition]));
  }

  /** @throws ContextExhausted */
  static async of(
    session: string,
    turns: Iterable<Turn> | AsyncIterable<Turn>,
    options: ContextOptions = {},
  ): Promise<Context> {
    const counter = options.counter ?? whitespaceTokens;
    const partitioner = new Partitioner(session, options);
    const partitions: { firstTurn: number; lastTurn: number; tokens: number; lines: string[] }[] = [];
    let turn = 0;
    for await (const { speaker, text } of turns) {
      partitioner.place(text, ({ partition, text: piece }) => {
        const open = partitions[partition] ?? { firstTurn: turn, lastTurn: turn, tokens: 0, lines: [] };
        partitions[partition] = open;
        open.lastTurn = turn;
        open.tokens += counter.count(piece);
        open.lines.push(`${speaker}: ${piece}`);
      });
      turn += 1;
    }
    return new Context(
      session,
      partitions.map(({ lines, ...rest }, i) => ({
        handle: handleOf(session, i),
        ...rest,
        text: lines.join('\n'),
      })),
      partitioner.tokens,
      turn,
    );
  }

  /** Undefined: there is no such handle. */
  get(handle: string): Partition | undefined {
    return this.#byHandle.get(handle);
  }

  /** All but the first and the last tenth; all of them where there are only two. */
  middleHandles(): readonly string[] {
    const count = this.handles.length;
    if (count <= 2) return this.handles;
    const start = Math.floor(count * 0.1);
    return this.handles.slice(start, Math.max(start + 1, Math.floor(count * 0.9)));
  }
}

function wholeAboveZero(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new FulcrumError('usage', `${name} ${value}: must be a whole number above 0`);
  return value;
}
