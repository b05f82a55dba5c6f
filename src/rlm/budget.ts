import { FulcrumError } from '../errors.js';

/** What an analysis may take in all. Every field is a bound; what is reserved or spent never passes it. */
export interface BudgetBounds {
  /** Calls of primitives, whichever, by all programs of the analysis. @defaultValue 256 */
  readonly steps: number;
  /** UTF-8 bytes of the transcript that programs are given, by `peek` and `grep`. @defaultValue 4 MiB */
  readonly peekedBytes: number;
  /** Requests to a model. @defaultValue 16 */
  readonly modelCalls: number;
  /** Tokens of a model, prompts and answers. @defaultValue 8,000 */
  readonly tokens: number;
  /** US dollars. @defaultValue 0.25 */
  readonly cost: number;
  /** From the making of the budget, ms. @defaultValue 120,000 */
  readonly wallMs: number;
}

export type BudgetName = keyof BudgetBounds;

/** What a call takes. What is left out is 0. Wall time is not reserved: it passes by itself. */
export type Amounts = Partial<Omit<BudgetBounds, 'wallMs'>>;

export const defaultBounds: BudgetBounds = {
  steps: 256,
  peekedBytes: 4 * 1024 * 1024,
  modelCalls: 16,
  tokens: 8_000,
  cost: 0.25,
  wallMs: 120_000,
};

const spendable = ['steps', 'peekedBytes', 'modelCalls', 'tokens', 'cost'] as const;
type Spendable = (typeof spendable)[number];
type Totals = Record<Spendable, number>;

const units: Record<BudgetName, string> = {
  steps: 'steps',
  peekedBytes: 'bytes',
  modelCalls: 'calls',
  tokens: 'tokens',
  cost: 'US dollars',
  wallMs: 'ms',
};

/** Sums of dollars are off by what floating point leaves. */
const slack = 1e-9;

/** A call would go over a budget; nothing of it was made or reserved. */
export class BudgetExhausted extends FulcrumError {
  constructor(
    readonly budget: BudgetName,
    readonly bound: number,
    /** What the call would take; of wall time, how much has passed. */
    readonly asked: number,
    /** What is left of the bound. */
    readonly left: number,
  ) {
    super(
      'budget_exhausted',
      budget === 'wallMs'
        ? `the budget wallMs is ${bound} ms, and ${asked} ms have passed`
        : `the budget ${budget} is ${bound} ${units[budget]}, ${left} are left, and ${asked} were asked for`,
    );
  }
}

/** What a call may take, put aside before it is made. It is ended once; to end it again does nothing. */
export interface Reservation {
  /**
   * The call took this. What was put aside and not used is free again; what a call took beyond what was put aside
   * is counted, so the next call is refused sooner.
   */
  settle(used: Amounts): void;
  /** The call was never made: all is free again. */
  release(): void;
}

/**
 * What one analysis may take, shared by the root model, its programs and their sub-calls. Reserving is one synchronous
 * step, so calls side by side cannot overdraw.
 */
export class Budget {
  readonly bounds: BudgetBounds;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #spent = zeros();
  readonly #open = new Set<Totals>();

  /**
   * @param now ms of a clock that never goes back
   * @throws FulcrumError `usage` for a bound that is no number >= 0
   */
  constructor(bounds: Partial<BudgetBounds> = {}, now: () => number = () => performance.now()) {
    this.bounds = { ...defaultBounds, ...bounds };
    for (const name of [...spendable, 'wallMs'] as const)
      checkAmount(`the budget ${name}`, this.bounds[name]);
    this.#now = now;
    this.#startedAt = now();
  }

  /**
   * Puts aside all that a call may take, or nothing.
   * @throws BudgetExhausted naming the first budget that it would go over
   * @throws FulcrumError `usage` for an amount that is no number >= 0
   */
  reserve(asked: Amounts): Reservation {
    const passed = this.#passedMs();
    if (passed >= this.bounds.wallMs)
      throw new BudgetExhausted('wallMs', this.bounds.wallMs, Math.round(passed), 0);
    const held = totalsOf(asked);
    for (const name of spendable) {
      const left = this.left(name);
      if (held[name] > 0 && held[name] > left + slack)
        throw new BudgetExhausted(name, this.bounds[name], held[name], left);
    }
    this.#open.add(held);
    const end = (used: Totals): void => {
      if (this.#open.delete(held)) for (const name of spendable) this.#spent[name] += used[name];
    };
    return { settle: (used) => end(totalsOf(used)), release: () => end(zeros()) };
  }

  /** What can still be reserved; of wall time, ms until it is over. Never below 0. */
  left(name: BudgetName): number {
    if (name === 'wallMs') return Math.max(0, this.bounds.wallMs - this.#passedMs());
    let taken = this.#spent[name];
    for (const held of this.#open) taken += held[name];
    return Math.max(0, this.bounds[name] - taken);
  }

  /** What calls have taken so far, without what is only put aside. */
  spent(): Readonly<Record<BudgetName, number>> {
    return { ...this.#spent, wallMs: this.#passedMs() };
  }

  #passedMs(): number {
    return this.#now() - this.#startedAt;
  }
}

function zeros(): Totals {
  return { steps: 0, peekedBytes: 0, modelCalls: 0, tokens: 0, cost: 0 };
}

function totalsOf(amounts: Amounts): Totals {
  const totals = zeros();
  for (const name of spendable) totals[name] = checkAmount(name, amounts[name] ?? 0);
  return totals;
}

function checkAmount(what: string, value: number): number {
  if (!Number.isFinite(value) || value < 0)
    throw new FulcrumError('usage', `${what} ${value}: must be a number >= 0`);
  return value;
}
