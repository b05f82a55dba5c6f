import type { Config } from '../config.js';
import { analyzeTranscript } from '../rlm/analyze.js';
import { analyzeWithModel } from '../rlm/navigate/analyze.js';
import { tokenCounter } from '../rlm/tokenizer.js';
import type { Analyze } from '../rlm/worker/work.js';
import { modelOf } from './model.js';

/**
 * How every transcript is analysed: by the rules alone, or with the model that the config names.
 *
 * @throws FulcrumError `config` when the model is half named, or cannot be used, `usage` when the tokenizer is not installed
 */
export async function analyzerOf(config: Config): Promise<Analyze> {
  const { tokenBudget, tokenizer, traces, answerTokens, budget } = config.analysis;
  const counter = await tokenCounter(tokenizer);
  const model = modelOf(config);
  if (model === null) return (transcript) => analyzeTranscript(transcript, { tokenBudget, counter });
  const secrets = config.model.key === null ? [] : [config.model.key];
  const options = { model, tokenBudget, counter, secrets, traces, answerTokens, budget };
  return (transcript, signal) => analyzeWithModel(transcript, { ...options, signal });
}
