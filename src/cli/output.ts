import picocolors from 'picocolors';
import type { CircuitEvent } from '../events/schemas.js';
import { formatTime } from '../events/time.js';

/** Standard output, a line at a time; colours only where a terminal shows them. */
export const colours = picocolors.createColors(picocolors.isColorSupported && process.stdout.isTTY === true);

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** Notes, warnings and progress: never mixed with what a script reads. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rows in columns, numbers to the right; the first row is the heading. */
export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    });
  rows.forEach((row, line) => {
    const cells = row.map((cell, i) => {
      const width = widths[i] ?? 0;
      const right = typeof (rows[1] ?? [])[i] === 'number';
      return right ? String(cell).padStart(width) : String(cell).padEnd(width);
    });
    const text = cells.join('  ').trimEnd();
    print(line === 0 ? colours.dim(text) : text);
  });
}

const stateColours: Record<string, (text: string) => string> = {
  OPEN: colours.red,
  HALF_OPEN: colours.yellow,
  CLOSED: colours.green,
  TERMINATED: colours.magenta,
};

export function colourOf(state: string): (text: string) => string {
  return stateColours[state] ?? ((text) => text);
}

/** One circuit event as a line: when, what, who, and why. */
export function circuitLine(event: CircuitEvent, when: string): string {
  const { data } = event;
  const what = event.type.split('.').at(-2) === 'reset' ? 'RESET' : data.to;
  const cause =
    data.cause.kind === 'interaction'
      ? `after a ${data.cause.outcome}`
      : data.cause.kind === 'recovery'
        ? 'by time'
        : `by ${data.cause.actor}${data.cause.reason === '' ? '' : `: ${data.cause.reason}`}`;
  const shadow = data.enforced ? '' : colours.dim(' (shadow)');
  const why = data.explanation === undefined ? '' : `: ${data.explanation}`;
  return (
    `${colours.dim(when)}  ${colourOf(data.to)(what.padEnd(10))}  ${data.agent_a} ↔ ${data.agent_b}  ` +
    `score ${data.trust_score.toFixed(3)} after ${data.interaction_count} interactions, ${cause}${why}${shadow}`
  );
}

/** A time as it is shown, empty when there is none. */
export function showTime(seconds: unknown): string {
  return typeof seconds === 'number' ? formatTime(Math.round(seconds)) : '';
}
