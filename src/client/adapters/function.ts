import type { Classifier } from '../classifier.js';
import { type AgentPair, type Judge, judgeOf, type Trust } from './trust.js';

/** How a function is put under trust. */
export interface TrustAwareOptions<Args extends readonly unknown[], Answer> {
  /** Where trust is kept: in this process, or with a fleet. */
  readonly trust: Trust;
  /** Who calls whom, or a function that says it of each call. */
  readonly agents: AgentPair | ((...args: Args) => AgentPair);
  /** Tells what came of a call by its first argument and its answer. @defaultValue the fleet's, or OutcomeClassifier */
  readonly classifier?: Classifier;
  /** Names the conversation or run, for a fleet. */
  readonly sessionId?: (...args: Args) => string | undefined;
  /** The text of the exchange, for a fleet's analysis. @defaultValue none is sent */
  readonly content?: (answer: Answer) => string | undefined;
}

/**
 * The same function, under trust: a call of a pair whose circuit is open is not made and throws TrustCircuitOpen; of all
 * others the answer is classified and recorded, and one that throws has failed.
 *
 * @example
 * const review = trustAware(reviewCode, { trust: new TrustManager(), agents: ['writer', 'reviewer'] });
 */
export function trustAware<Args extends readonly unknown[], Answer>(
  run: (...args: Args) => Answer | Promise<Answer>,
  options: TrustAwareOptions<Args, Answer>,
): (...args: Args) => Promise<Answer> {
  const { trust, agents, classifier, sessionId, content } = options;
  const judge: Judge = judgeOf(trust, classifier, () => false);
  return (...args) =>
    judge.call({
      agents: typeof agents === 'function' ? agents(...args) : agents,
      run: async () => run(...args),
      judge: (answer, classify) => classify.classify(args[0], answer),
      sessionId: sessionId?.(...args),
      task: run.name === '' ? undefined : run.name,
      content,
    });
}
