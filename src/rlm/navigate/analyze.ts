import { systemClock } from '../../clock.js';
import { withoutModel } from '../analyze.js';
import { Budget } from '../budget.js';
import { redactor } from '../model/secrets.js';
import { NavigationHost } from '../program/host.js';
import type { AnalysisResult } from '../result.js';
import type { Transcript } from '../transcript.js';
import { BudgetedModel } from './budget.js';
import { checkClaim, type Finding } from './claim.js';
import { describe } from './describe.js';
import { Looked } from './looked.js';
import { type AnalyzeWithModel, type CompleteOptions, completeOptions } from './options.js';
import { type Read, readWhole } from './read.js';
import { RecordedHost, RecordedModel, type RunTime, Tally } from './recorded.js';
import { findingOf, since } from './rounds.js';
import { PartModel } from './sub-answer.js';
import { together } from './together.js';
import { findingLine, limitsLine, noTrace, type TraceSink, traceFormat } from './trace.js';
import { TraceFile } from './trace-file.js';

/** {@inheritDoc AnalyzeWithModel} */
export const analyzeWithModel: AnalyzeWithModel = async (transcript, options) => {
  const started = performance.now();
  const read = await readWhole(transcript, options);
  if (read.rules.verdict === 'inconclusive') return withoutModel(transcript.id, read.rules);
  const { traces = null, secrets = [] } = options;
  const file = traces === null ? null : new TraceFile(traces, redactor(secrets));
  try {
    return await analyzeRead(transcript, read, completeOptions(options), file ?? noTrace, started);
  } finally {
    file?.close();
  }
};

async function analyzeRead(
  { id, session }: Transcript,
  read: Read,
  options: CompleteOptions,
  trace: TraceSink,
  started: number,
): Promise<AnalysisResult> {
  const turns = read.book.count;
  const description = describe(read.context, read.book, read.rules, read.scan);
  trace.write({
    kind: 'start',
    format: traceFormat,
    trace_id: trace.id ?? 'none',
    at: systemClock(),
    id,
    session,
    turns,
    model: options.model.name,
    rounds: options.rounds,
    root_answer_tokens: options.answerTokens.program,
    program_limits: limitsLine(options.programLimits),
    description,
    rules: read.rules,
  });
  const tally = new Tally();
  const finding = await find(description, read, options, trace, tally);
  const conclusion = together(read.rules, finding, { session, turns });
  const result = { id, ...conclusion, tokens: tally.tokens, cost: tally.cost, trace_id: trace.id };
  trace.write({ kind: 'result', result, ms: since(started) });
  // The last write may have failed, and then there is no trace to point to.
  return { ...result, trace_id: trace.id };
}

/** What the model finds, each of its steps counted and recorded. */
function find(
  description: string,
  { context, book, rules }: Read,
  options: CompleteOptions,
  trace: TraceSink,
  tally: Tally,
): Promise<Finding> {
  const { answerTokens, programLimits, signal } = options;
  const { wallMs } = options.budget;
  const time: RunTime = { mostMs: wallMs, over: AbortSignal.timeout(wallMs), signal };
  const budget = new Budget(options.budget);
  const root = new RecordedModel(new BudgetedModel(options.model, budget), 'root', tally, time, trace);
  // What sub-calls take is reserved by the host, a batch at a time.
  const sub = new RecordedModel(options.model, 'sub', tally, time, trace);
  const navigation = new NavigationHost({ context, budget, model: new PartModel(sub, answerTokens.sub) });
  const host = new Looked(
    navigation,
    context.handles,
    rules.evidence.map(({ handle }) => handle),
  );
  return findingOf(
    description,
    { rounds: options.rounds, rootAnswerTokens: answerTokens.program },
    {
      askRoot: async (request) => (await root.ask(request)).text,
      nextHost: () => {
        navigation.begin();
        return new RecordedHost(host, trace);
      },
      run: options.run,
      programLimits: () => {
        const leftMs = Math.max(1, budget.left('wallMs'));
        return { ...programLimits, deadlineMs: Math.min(programLimits.deadlineMs, leftMs) };
      },
      check: (claim) => {
        const finding = checkClaim(claim, book, (partition) => host.has(partition), options.parameters);
        trace.write({ kind: 'claim', claim, finding: findingLine(finding) });
        return finding;
      },
      trace,
      ...(signal === undefined ? {} : { signal }),
    },
  );
}
