/** Every operational error: its code, the exit code of the command line, and what it stands for. */
export const errorCodes = {
  usage: { exitCode: 2, meaning: 'a flag, an argument or a config key is wrong' },
  config: { exitCode: 2, meaning: 'a config file cannot be read or does not validate' },
  input: { exitCode: 3, meaning: 'an input file or record cannot be used' },
  context_exhausted: { exitCode: 3, meaning: 'a transcript has more tokens than its budget' },
  budget_exhausted: {
    exitCode: 3,
    meaning: 'a call would go over a budget of its analysis; it was not made',
  },
  unavailable: { exitCode: 4, meaning: 'a server is away or does not answer' },
  denied: { exitCode: 4, meaning: 'a server refuses the credentials, or what they are for' },
  mismatch: {
    exitCode: 6,
    meaning: 'a stream, topic, consumer or layout is there and is not as it has to be; nothing was changed',
  },
  refused: { exitCode: 5, meaning: 'the server refused the request' },
  store_corrupt: { exitCode: 6, meaning: 'stored state cannot be read; nothing was overwritten' },
  store_in_use: { exitCode: 6, meaning: 'another process owns the data folder' },
  store_foreign: {
    exitCode: 6,
    meaning: 'the folder is not a data folder of fulcrum-trust, or not a whole one',
  },
  closed: { exitCode: 1, meaning: 'the client was closed while in use' },
  buffer_full: { exitCode: 4, meaning: 'a server is away, and no more is kept for it than was said' },
  store_closed: { exitCode: 1, meaning: 'the store was closed while in use' },
  state_unreadable: { exitCode: 6, meaning: 'one stored pair cannot be read' },
  conflict: { exitCode: 1, meaning: 'a store kept refusing compareAndSet' },
  model_away: { exitCode: 4, meaning: "a model's endpoint is away, or fails" },
  model_slow: { exitCode: 4, meaning: "a model's endpoint does not answer in time" },
  model_rate_limited: { exitCode: 4, meaning: "a model's endpoint asks to wait longer than is waited" },
  model_denied: { exitCode: 4, meaning: "a model's endpoint refuses the key, or what it is for" },
  model_refused: { exitCode: 5, meaning: 'a model declines to answer' },
  model_wrong: { exitCode: 5, meaning: 'a model or its endpoint answers with what cannot be used' },
} as const satisfies Record<string, { exitCode: number; meaning: string }>;

/** The kind of trouble, which also decides how the command line exits: docs/errors.md. */
export type ErrorCode = keyof typeof errorCodes;

/** An operational error: what was wrong, where, and what to do about it. Keeps its cause. */
export class FulcrumError extends Error {
  override readonly name = 'FulcrumError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** What a process that ends because of it ends with; docs/errors.md has them all. */
  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }
}

/** Errors that trying again cannot mend. */
const permanentCodes: readonly ErrorCode[] = [
  'usage',
  'conflict',
  'context_exhausted',
  'budget_exhausted',
  'mismatch',
  'store_closed',
  'store_corrupt',
  'store_foreign',
  'store_in_use',
];

export function isPermanent(error: unknown): boolean {
  return error instanceof FulcrumError && permanentCodes.includes(error.code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
