import { FulcrumError } from '../errors.js';
import { firstThat } from '../first-that.js';
import { splitByTokens, type TokenCounter, whitespaceTokens } from './tokens.js';
import type { Turn } from './transcript.js';

/** Tokens of a partition at most. */
export const defaultPartitionTokens = 2_048;
/** As a library; the worker and `analyze` take `largeTokenBudget`. */
export const defaultTokenBudget = 128_000;
/** Tokens of a transcript at most, in the worker and in `analyze`. */
export const largeTokenBudget = 10_000_000;

/** How a transcript is laid into partitions, and how long it may be. */
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

/** What a transcript has of one turn. */
export interface TurnAt {
  /** In which it begins. */
  readonly partition: Partition;
  /** `speaker: text`, as far as it is in that partition. */
  readonly line: string;
  readonly eventId?: string;
}

/**
 * A whole transcript in partitions, for whoever has to go back and forth in it; held as text, bounded by its budget,
 * with a number and an event id for each turn.
 */
export class Context {
  readonly handles: readonly string[];
  readonly #at: ReadonlyMap<string, number>;
  readonly #starts: readonly number[];
  readonly #eventIds: readonly (string | undefined)[];

  private constructor(
    readonly session: string,
    readonly partitions: readonly Partition[],
    readonly tokens: number,
    turns: TurnIndex,
  ) {
    this.handles = partitions.map(({ handle }) => handle);
    this.#at = new Map(this.handles.map((handle, i) => [handle, i]));
    this.#starts = turns.starts;
    this.#eventIds = turns.eventIds;
  }

  /** @throws ContextExhausted */
  static async of(
    session: string,
    turns: Iterable<Turn> | AsyncIterable<Turn>,
    options: ContextOptions = {},
  ): Promise<Context> {
    const counter = options.counter ?? whitespaceTokens;
    const partitioner = new Partitioner(session, options);
    const index: TurnIndex = { starts: [], eventIds: [] };
    const partitions: Partition[] = [];
    let open = new OpenPartition(0, 0);
    let turn = 0;
    for await (const { speaker, text, eventId } of turns) {
      partitioner.place(text, ({ partition, text: piece }) => {
        if (partition !== open.partition) {
          partitions.push(open.sealed(session));
          open = new OpenPartition(partition, turn);
        }
        if (index.starts.length === turn) index.starts.push(open.length);
        open.add(turn, `${speaker}: ${piece}`, counter.count(piece));
      });
      index.eventIds.push(eventId);
      turn += 1;
    }
    if (turn > 0) partitions.push(open.sealed(session));
    return new Context(session, partitions, partitioner.tokens, index);
  }

  /** How many turns it has. */
  get turns(): number {
    return this.#starts.length;
  }

  /** Undefined: there is no such handle. */
  get(handle: string): Partition | undefined {
    const at = this.#at.get(handle);
    return at === undefined ? undefined : this.partitions[at];
  }

  /** A partition and up to `radius` on both sides of it, in their order; none where there is no such handle. */
  around(handle: string, radius: number): readonly Partition[] {
    const at = this.#at.get(handle);
    return at === undefined ? [] : this.partitions.slice(Math.max(0, at - radius), at + radius + 1);
  }

  /** Undefined: there is no such turn. */
  turn(turn: number): TurnAt | undefined {
    const start = this.#starts[turn];
    const partition = this.partitions[firstThat(this.partitions.length, (i) => this.#lastTurn(i) >= turn)];
    if (start === undefined || partition === undefined) return undefined;
    const next = turn < partition.lastTurn ? this.#starts[turn + 1] : undefined;
    const line = partition.text.slice(start, next === undefined ? undefined : next - 1);
    const eventId = this.#eventIds[turn];
    return { partition, line, ...(eventId === undefined ? {} : { eventId }) };
  }

  /** The turn that a character of a partition's text is of. */
  turnAt({ firstTurn, lastTurn, handle }: Partition, offset: number): number {
    // Of a turn that began before, the rest stands first.
    const carried = this.turn(firstTurn)?.partition.handle !== handle;
    const from = carried ? firstTurn + 1 : firstTurn;
    const later = firstThat(lastTurn + 1 - from, (i) => (this.#starts[from + i] ?? 0) > offset);
    return Math.max(firstTurn, from + later - 1);
  }

  #lastTurn(partition: number): number {
    return this.partitions[partition]?.lastTurn ?? Number.POSITIVE_INFINITY;
  }

  /** All but the first and the last tenth; all of them where there are only two. */
  middleHandles(): readonly string[] {
    const count = this.handles.length;
    if (count <= 2) return this.handles;
    const start = Math.floor(count * 0.1);
    return this.handles.slice(start, Math.max(start + 1, Math.floor(count * 0.9)));
  }
}

/** By turn: where its line begins in the text of its first partition, and the event that carried it. */
interface TurnIndex {
  readonly starts: number[];
  readonly eventIds: (string | undefined)[];
}

/** A partition while lines are put into it. */
class OpenPartition {
  #lines: string[] = [];
  #lastTurn: number;
  #tokens = 0;
  /** Characters of its text so far, with the line break before the next line. */
  length = 0;

  constructor(
    readonly partition: number,
    readonly firstTurn: number,
  ) {
    this.#lastTurn = firstTurn;
  }

  add(turn: number, line: string, tokens: number): void {
    this.#lines.push(line);
    this.#lastTurn = turn;
    this.#tokens += tokens;
    this.length += line.length + 1;
  }

  sealed(session: string): Partition {
    const { firstTurn } = this;
    const text = this.#lines.join('\n');
    return {
      handle: handleOf(session, this.partition),
      firstTurn,
      lastTurn: this.#lastTurn,
      tokens: this.#tokens,
      text,
    };
  }
}

function wholeAboveZero(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new FulcrumError('usage', `${name} ${value}: must be a whole number above 0`);
  return value;
}
