/** `analyze A B`: asks the analysers of a fleet. */
import { type AnalysisAsked, requestAnalysis, requestEvent, requestToSend } from '../client/analysis.js';
import { systemClock, systemTimers } from '../clock.js';
import { errorCodes, FulcrumError } from '../errors.js';
import { defaultLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { AnalysisData } from '../events/schemas.js';
import type { Broker } from '../ports.js';
import { printResult } from './analysis-output.js';
import { type ClientFlags, clientOf } from './options.js';
import { note, print, printJson, showTime } from './output.js';
import { withBroker } from './remote.js';

export interface PairFlags extends ClientFlags {
  readonly tenant: string;
  readonly session?: string;
  /** Seconds. */
  readonly wait: number;
}

/** How often the API is asked for a result that was not there at once, in ms. */
const askEveryMs = 500;

export async function analyzePair(
  [agentA, agentB]: readonly [string, string],
  flags: PairFlags,
): Promise<void> {
  const { tenant, session } = flags;
  const asked = {
    tenant,
    agent_a: agentA,
    agent_b: agentB,
    ...(session === undefined ? {} : { session_id: session }),
  };
  const through = await withBroker(flags, async (broker) => ({
    answer: await askBroker(broker, asked, flags),
  }));
  const analysis = through === null ? await askApi(asked, flags) : through.answer;
  if (analysis === null) {
    note(
      `no analysis came within ${flags.wait} s: the request is kept, and answered when an analyser runs ` +
        '(`fulcrum-trust analyze`)',
    );
    process.exitCode = errorCodes.unavailable.exitCode;
  } else if (flags.json === true) printJson(analysis);
  else {
    printResult(analysis);
    print(`  session ${analysis.session_id ?? '(nothing is kept)'}, analysed ${showTime(analysis.at)}`);
  }
}

function askBroker(broker: Broker, asked: AnalysisAsked, { wait }: PairFlags): Promise<AnalysisData | null> {
  const now = systemClock();
  const request = requestToSend(requestEvent(asked, now), defaultLimits, now);
  if (isRejection(request)) throw new FulcrumError('refused', `${request.field} ${request.rule}`.trim());
  note('asked; waiting for its analysis');
  return requestAnalysis(broker, request, wait * 1_000);
}

/** The API answers at once where the analysis is soon made; later it is asked for by the request's id. */
async function askApi(asked: AnalysisAsked, flags: PairFlags): Promise<AnalysisData | null> {
  const client = clientOf(flags);
  const deadline = Date.now() + flags.wait * 1_000;
  const { id, analysis } = await client.analyze(asked);
  let found = analysis;
  while (found === null && Date.now() < deadline) {
    await systemTimers.sleep(askEveryMs);
    const latest = await client.analysis(asked);
    if (latest?.id === id) found = latest;
  }
  return found;
}
