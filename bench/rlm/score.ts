/** How often a rule and a label agree. */
export interface Counts {
  readonly hits: number;
  readonly misses: number;
  readonly falseAlarms: number;
  readonly rightlyQuiet: number;
}

export interface Share {
  readonly value: number;
  /** 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** @param pairs what was said and what is so */
export function countsOf(pairs: readonly (readonly [said: boolean, so: boolean])[]): Counts {
  const count = (said: boolean, so: boolean): number =>
    pairs.filter((pair) => pair[0] === said && pair[1] === so).length;
  return {
    hits: count(true, true),
    misses: count(false, true),
    falseAlarms: count(true, false),
    rightlyQuiet: count(false, false),
  };
}

/** Wilson's score interval: right near 0 and 1 and for few cases. Null: of none. */
export function share(of: number, all: number): Share | null {
  if (all === 0) return null;
  const z = 1.959964;
  const value = of / all;
  const middle = (value + (z * z) / (2 * all)) / (1 + (z * z) / all);
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((value * (1 - value)) / all + (z * z) / (4 * all * all));
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export function precision({ hits, falseAlarms }: Counts): Share | null {
  return share(hits, hits + falseAlarms);
}

export function recall({ hits, misses }: Counts): Share | null {
  return share(hits, hits + misses);
}

/** Null where nothing is labelled a loop. */
export function f1Of({ hits, misses, falseAlarms }: Counts): number | null {
  return hits + misses === 0 ? null : (2 * hits) / (2 * hits + misses + falseAlarms);
}

/** F1 with the 95 % interval of 2,000 bootstrap samples, drawn with `random` (0 <= x < 1). */
export function f1(pairs: readonly (readonly [boolean, boolean])[], random: () => number): Share | null {
  const value = f1Of(countsOf(pairs));
  if (value === null) return null;
  const drawn = Array.from(
    { length: 2_000 },
    () =>
      f1Of(
        countsOf(pairs.map(() => pairs[Math.floor(random() * pairs.length)] as readonly [boolean, boolean])),
      ) ?? 0,
  ).sort((a, b) => a - b);
  return { value, low: drawn[50] as number, high: drawn[1_949] as number };
}
