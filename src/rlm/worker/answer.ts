import { FulcrumError, messageOf } from '../../errors.js';
import { analysisId, analysisMessage } from '../../events/analysis.js';
import { GaveUp } from '../../retry.js';
import { analysisData } from '../analysis-record.js';
import { failedAnalysis } from '../analyze.js';
import type { AnalysisResult } from '../result.js';
import { analysisBehind, feedbackMessage } from './feedback.js';
import { inSlices } from './in-slices.js';
import type { Question } from './question.js';
import { sessionOf } from './session.js';
import { toldOnce } from './told-once.js';
import type { Work } from './work.js';

interface Answer {
  /** Null: nothing that the pair said is kept. */
  readonly session: string | null;
  readonly result: AnalysisResult;
}

/**
 * Analyses, publishes, keeps, in that order; a question that was answered before is passed over. What is killed in the
 * middle is asked again and answered under the same id.
 */
export async function answer(work: Work, question: Question): Promise<void> {
  const { tenant, pairId, agentA, agentB, askedBy } = question;
  const id = analysisId(tenant, pairId, askedBy);
  const isMade = (other: string) =>
    work.must('look up an analysis', () => work.analyses.isMade(tenant, pairId, other));
  if (await isMade(id)) return;
  const { session, result } = await work.must('read a transcript', () => analyse(work, question, id));
  const at = work.clock();
  const analysis = { tenant, pairId, session, at, askedBy, result };
  const messages = [analysisMessage(analysisData(analysis, question))];
  if (work.feedback !== null && !(await isOwnDoing(question, isMade))) {
    const outcome = feedbackMessage(question, { session, result, at }, work.feedback);
    if (outcome !== null) messages.push(outcome);
  }
  await work.must('publish an analysis', () => work.sink.publish(messages));
  await work.must('keep an analysis', () => work.analyses.keep(analysis));
  work.tell(`${agentA} and ${agentB} of ${tenant}: ${result.verdict}, ${result.summary}`, 'info');
}

/** A circuit that an outcome of ours has opened tells us nothing new: it must not feed the next one. */
async function isOwnDoing(
  { cause }: Question,
  isMade: (analysisId: string) => Promise<boolean>,
): Promise<boolean> {
  const before = cause === null ? null : analysisBehind(cause.eventId);
  return before !== null && (await isMade(before));
}

/** @throws what may pass, to be tried again; all else becomes an inconclusive result with the reason */
async function analyse(work: Work, question: Question, id: string): Promise<Answer> {
  const { transcripts, timers, giveUp } = work;
  const { tenant, pairId } = question;
  const session = await sessionOf(transcripts, question);
  if (session === null) return { session, result: failedAnalysis(id, new Error(nothingKept(question))) };
  const turns = inSlices(toldOnce(transcripts.turns({ tenant, pairId, session })), timers, giveUp);
  try {
    return { session, result: await work.analyze({ id, session, turns }, giveUp) };
  } catch (error) {
    if (error instanceof GaveUp || isPassing(error)) throw error;
    work.tell(`${id} came to nothing: ${messageOf(error)}`, 'error');
    return { session, result: failedAnalysis(id, error) };
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof FulcrumError && ['unavailable', 'denied', 'store_closed'].includes(error.code);
}

function nothingKept({ session }: Question): string {
  return `nothing is kept of what the pair said${session === null ? '' : ` in session ${session}`}`;
}
