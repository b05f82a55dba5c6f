import { z } from 'zod';
import { FulcrumError } from '../../errors.js';
import type { Context } from '../context.js';
import { mostEvidence, mostEvidenceTurns, mostSummaryLength, verdictSchema } from '../result.js';

/** What a program may say in the end: the argument of `updateAnswer`. */
export const draftSchema = z
  .strictObject({
    verdict: verdictSchema,
    confidence: z.number().min(0).max(1),
    /** Two sentences. */
    summary: z.string().trim().min(1).max(mostSummaryLength),
    /** One for each partition. What was said there, and by which events, is never taken from a program. */
    evidence: z
      .array(
        z.strictObject({
          handle: z.string().max(2_048),
          /** Counted from 0, as `peek` and `grep` number them. */
          turns: z.array(z.int().min(0)).min(1).max(mostEvidenceTurns),
        }),
      )
      .max(mostEvidence)
      .default([]),
  })
  .refine(
    ({ verdict, evidence }) => verdict === 'none' || verdict === 'inconclusive' || evidence.length > 0,
    {
      path: ['evidence'],
      error: 'a loop needs the turns it rests on',
    },
  );
export type Draft = z.infer<typeof draftSchema>;

/**
 * Holds what a program says against the transcript: its handles exist, its turns lie in them.
 * @throws FulcrumError `input` with the field and the rule
 */
export function checkDraft({ evidence }: Draft, context: Context): void {
  for (const [at, { handle, turns }] of evidence.entries()) {
    const field = `updateAnswer: evidence[${at}]`;
    const partition = context.get(handle);
    if (partition === undefined)
      throw new FulcrumError('input', `${field}.handle: there is no such handle, take one of handles()`);
    const { firstTurn, lastTurn } = partition;
    for (const turn of turns)
      if (turn < firstTurn || turn > lastTurn)
        throw new FulcrumError(
          'input',
          `${field}.turns: turn ${turn} is not in ${handle}, which has turns ${firstTurn} to ${lastTurn}`,
        );
  }
}
