/** The median of several runs, with the extremes. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** @throws RangeError when there are none */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new RangeError('no runs, so no median');
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  return { median, least, most };
}

/** Runs `work` several times after one warm-up: the spread of the rates that it gives. */
export async function spreadOfRuns(runs: number, work: () => number | Promise<number>): Promise<Spread> {
  await work();
  const rates: number[] = [];
  for (let i = 0; i < runs; i++) rates.push(await work());
  return spreadOf(rates);
}

/** Things a second of doing `work`, which returns how many it did. */
export async function rate(work: () => number | Promise<number>): Promise<number> {
  const startedAt = performance.now();
  const done = await work();
  return done / ((performance.now() - startedAt) / 1_000);
}
