import { z } from 'zod';

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

/** A transcript as a line of a file has it: snake_case, and an id only where its writer has one. */
export const transcriptLineSchema = z.object({
  id: z.string().min(1).max(256).optional(),
  turns: z.array(
    z.object({
      speaker: z.string().max(256),
      text: z.string(),
      /** Seconds since the epoch, or RFC 3339. */
      time: z.union([z.number(), z.string()]).optional(),
      event_id: z.string().min(1).max(256).optional(),
    }),
  ),
});
export type TranscriptLine = z.infer<typeof transcriptLineSchema>;
