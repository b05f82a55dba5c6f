import type { Spread } from './measure/spread.js';

/** What a benchmark of one process came to. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly ours: Spread;
  /** What stands beside it; rate null: it is not there to be measured. */
  readonly beside: { readonly name: string; readonly rate: number | null };
}
