import { type Share, share } from './score.js';

/** One part of the benchmark: as text, and as data. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  readonly data: unknown;
}

/** Rows in columns, the first is the heading; what is no text stands to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd(),
  );
}

/** `0.97 (0.93 to 0.99)` */
export function shareText(value: Share | null): string {
  return value === null
    ? '-'
    : `${value.value.toFixed(3)} (${value.low.toFixed(2)} to ${value.high.toFixed(2)})`;
}

/** `0.970 of 70` */
export function partText(of: number, all: number): string {
  return all === 0 ? '-' : `${(share(of, all)?.value ?? 0).toFixed(3)} of ${all}`;
}

export function sizeText(tokens: number): string {
  return tokens.toLocaleString('en-US');
}
