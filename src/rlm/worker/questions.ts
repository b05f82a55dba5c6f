import { deadLetter } from '../../events/dead-letter.js';
import { deliveredEvent } from '../../events/delivered.js';
import { isRejection } from '../../events/envelope.js';
import type { EventSource, Rejection, SourceMessage } from '../../ports.js';
import { answer } from './answer.js';
import type { Question } from './question.js';
import { readWaitMs } from './reading.js';
import type { Work } from './work.js';

/** What a message asks: a rejection where it should and cannot, null where it asks nothing. */
export type QuestionOf = (message: SourceMessage) => Question | Rejection | null;

/**
 * Answers what a source asks, to its end or until the analyser is told to stop. A question is read when there is room to
 * answer it, so that none waits here for another that takes long while another analyser has nothing to do. It is
 * acknowledged after its answer is published and kept; what was not begun when the analyser is told to stop goes to
 * another, or comes again.
 */
export async function answerQuestions(
  work: Work,
  source: EventSource,
  questionOf: QuestionOf,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  const start = (answering: Promise<void>): void => {
    const settled = answering
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(settled));
    underWay.add(settled);
  };
  const orFail = (): void => {
    if (failure !== null) throw failure.error;
  };
  for (;;) {
    await work.inTurn(() => {});
    orFail();
    if (work.stopping.aborted) break;
    const batch = await work.must(`read ${source.name}`, () => source.read(1, readWaitMs));
    if (batch === null) break;
    const [message] = batch.messages;
    if (message === undefined) continue;
    const acknowledge = () => work.must(`acknowledge ${source.name}`, () => batch.ack());
    const question = questionOf(message);
    if (question === null || isRejection(question)) {
      if (question !== null) await refuse(work, source, message, question);
      await acknowledge();
    } else start(work.inTurn(() => answerOne(work, question, acknowledge)));
  }
  await Promise.all(underWay);
  orFail();
}

async function answerOne(work: Work, question: Question, acknowledge: () => Promise<void>): Promise<void> {
  if (work.stopping.aborted) return;
  await work.caughtUp();
  await answer(work, question);
  await acknowledge();
}

/** Makes a dead letter of what cannot be answered, unless its sender is told. */
async function refuse(
  work: Work,
  source: EventSource,
  message: SourceMessage,
  rejection: Rejection,
): Promise<void> {
  if (message.settle !== undefined) return message.settle({ kind: 'rejected', rejection });
  const letter = deadLetter(deliveredEvent(source, message), source.system, rejection, work.clock());
  await work.must('publish dead letters', () => work.sink.publish([letter]));
}
