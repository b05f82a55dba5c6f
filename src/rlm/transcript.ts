import { z } from 'zod';
import { FulcrumError, messageOf } from '../errors.js';
import { parseTime } from '../events/time.js';

/** One thing that was said in a conversation of two agents. */
export interface Turn {
  readonly speaker: string;
  readonly text: string;
  /** Seconds since the epoch. */
  readonly time?: number;
  /** Of the interaction event that carried the text. */
  readonly eventId?: string;
}

/** What was said in one session of a pair, in order. Turns are counted from 0. */
export interface Transcript {
  /** Names the transcript in its result. */
  readonly id: string;
  /** The `<session>` of its handles. */
  readonly session: string;
  readonly turns: Iterable<Turn> | AsyncIterable<Turn>;
}

const timeSchema = z.union(
  [
    z.number(),
    z
      .string()
      .transform((text) => parseTime(text))
      .pipe(z.number()),
  ],
  {
    error: 'must be RFC 3339 or seconds since the epoch',
  },
);

/** A transcript as a line of a file has it: snake_case, an id only where its writer has one. What else is there is let be. */
export const transcriptLineSchema = z.object({
  id: z.string().min(1).max(256).optional(),
  turns: z.array(
    z.object({
      speaker: z.string().max(256),
      text: z.string(),
      /** Seconds since the epoch, or RFC 3339. */
      time: timeSchema.optional(),
      event_id: z.string().min(1).max(256).optional(),
    }),
  ),
});

/**
 * The transcript of one line of a file; `nameless` names it where it has no id.
 * @throws FulcrumError `input` with the field and the rule
 */
export function parseTranscript(line: string, nameless: string): Transcript {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new FulcrumError('input', `is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = transcriptLineSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FulcrumError('input', `${fieldOf(issue?.path ?? [])}: ${issue?.message ?? 'does not fit'}`);
  }
  const { id = nameless, turns } = parsed.data;
  return {
    id,
    session: id,
    turns: turns.map(({ speaker, text, time, event_id: eventId }) => ({
      speaker,
      text,
      ...(time === undefined ? {} : { time }),
      ...(eventId === undefined ? {} : { eventId }),
    })),
  };
}

/** As `turns[3].speaker`. */
function fieldOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the line';
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
