/** What the fault tests can be told on the command line. */

/** @throws RangeError for any other */
export function brokerOf(text: string | undefined): 'nats' | 'kafka' {
  if (text === 'nats' || text === 'kafka') return text;
  throw new RangeError(`--source ${text ?? ''}: must be nats or kafka`);
}

/** A whole number above 0. */
export function wholeOf(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`--${flag} ${text}: must be a whole number above 0`);
}
