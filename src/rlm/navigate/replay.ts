/** A recorded run once more, with the recorded answers of its model and its host. No model, no transcript. */
import { isDeepStrictEqual } from 'node:util';
import { FulcrumError } from '../../errors.js';
import type { ModelRequest, Primitive, ProgramLimits, RunProgram } from '../ports.js';
import type { AnalysisResult } from '../result.js';
import { shortened } from './data.js';
import { Tally } from './recorded.js';
import { findingOf, type Surroundings } from './rounds.js';
import { together } from './together.js';
import type { Trace, TraceLine, TraceOf, TraceRecord } from './trace.js';

/** What a replay came to. */
export interface Replayed {
  /** null: the programs left the recorded way, and came to nothing. */
  readonly result: AnalysisResult | null;
  /** Where it went another way than the recorded run, in order; empty: nowhere. */
  readonly differences: readonly string[];
}

/**
 * Runs the programs of a trace again and brings the findings together again.
 * @throws FulcrumError `input` for a trace that has no end
 */
export async function replayTrace(trace: Trace, run: RunProgram): Promise<Replayed> {
  const { start, result: recorded } = trace;
  if (recorded === null) throw new FulcrumError('input', 'the trace has no result: its run did not end');
  const tape = new Tape(trace.records);
  const surroundings = surroundingsOf(tape, run, limitsOf(start));
  const finding = await findingOf(
    start.description,
    { rounds: start.rounds, rootAnswerTokens: start.root_answer_tokens },
    surroundings,
  ).catch((error: unknown) => {
    if (error instanceof Diverged) return null;
    throw error;
  });
  if (finding === null) return { result: null, differences: tape.differences };
  tape.finish();
  const conclusion = together(start.rules, finding, { session: start.session, turns: start.turns });
  const { tokens, cost } = tape.tally;
  const result = { id: start.id, ...conclusion, tokens, cost, trace_id: start.trace_id };
  for (const key of Object.keys(recorded.result) as (keyof AnalysisResult)[])
    if (!isDeepStrictEqual(result[key], recorded.result[key]))
      tape.differences.push(`${key}: was ${shown(recorded.result[key])}, is ${shown(result[key])}`);
  return { result, differences: tape.differences };
}

function limitsOf({ program_limits: limits }: TraceOf<'start'>): ProgramLimits {
  const {
    memory_bytes: memoryBytes,
    stack_bytes: stackBytes,
    cpu_ms: cpuMs,
    deadline_ms: deadlineMs,
  } = limits;
  return { memoryBytes, stackBytes, cpuMs, deadlineMs };
}

function surroundingsOf(tape: Tape, run: RunProgram, programLimits: ProgramLimits): Surroundings {
  return {
    run,
    programLimits: () => programLimits,
    askRoot: async (request) => tape.askRoot(request),
    nextHost: () => ({ call: async (primitive, args) => tape.call(primitive, args) }),
    check: (claim) => {
      const { finding, claim: before } = tape.next('claim');
      tape.compare('the claim', before, claim);
      return finding;
    },
    trace: { id: null, write: (line) => tape.told(line) },
  };
}

/** The run is not where the trace is: there is no recorded answer to go on with. No program may catch it. */
class Diverged extends Error {
  override readonly name = 'Diverged';
}

/** The records of a run, read once from the first to the last. */
class Tape {
  readonly tally = new Tally();
  readonly differences: string[] = [];
  #at = 1;
  #left = false;

  constructor(private readonly records: readonly TraceRecord[]) {}

  /** The next record of a kind; what was asked by programs in between is counted. */
  next<K extends TraceRecord['kind']>(kind: K): TraceOf<K> {
    for (;;) {
      const record = this.records[this.#at];
      const asked = record?.kind === 'ask' ? record : null;
      if (record === undefined || (asked?.by !== 'sub' && record.kind !== kind)) break;
      this.#at += 1;
      if (asked !== null) this.#count(asked);
      if (asked?.by !== 'sub' && isOf(record, kind)) return record;
    }
    const instead = this.records[this.#at]?.kind ?? 'nothing';
    throw this.#diverged(`the run came to a record "${kind}", the trace has ${instead} there`);
  }

  askRoot(request: ModelRequest): string {
    const record = this.next('ask');
    this.compare('the system prompt', record.system, request.system);
    this.compare('the prompt', record.user, request.user);
    if ('text' in record.answer) return record.answer.text;
    throw new FulcrumError(record.answer.error.code, record.answer.error.message);
  }

  call(primitive: Primitive, args: readonly unknown[]): unknown {
    const record = this.next('call');
    if (record.primitive !== primitive || !isDeepStrictEqual(record.args, [...args]))
      throw this.#diverged(
        `call ${record.primitive}${shown(record.args)} was made, the program now makes ${primitive}${shown(args)}`,
      );
    if ('value' in record.answer) return record.answer.value;
    throw new FulcrumError(record.answer.error.code, record.answer.error.message);
  }

  /** What the run tells as it goes, held against what it told then. */
  told(line: TraceLine): void {
    if (line.kind === 'program') this.compare('a program', this.next('program').program, line.program);
    if (line.kind === 'ended') this.compare('the end of a program', this.next('ended').end, line.end);
  }

  compare(what: string, before: unknown, now: unknown): void {
    if (!isDeepStrictEqual(before, now)) this.#differs(`${what}: was ${shown(before)}, is ${shown(now)}`);
  }

  /** What is left has to be the result. */
  finish(): void {
    const left = this.records.slice(this.#at).filter(({ kind }) => kind !== 'result');
    if (left.length > 0) this.#differs(`${left.length} records of the trace were not come to`);
  }

  #count({ prompt_tokens, answer_tokens, cost }: TraceOf<'ask'>): void {
    this.tally.add({ promptTokens: prompt_tokens, answerTokens: answer_tokens, cost });
  }

  #differs(what: string): void {
    // What follows on a way that was left says nothing.
    if (!this.#left) this.differences.push(what);
  }

  #diverged(what: string): Diverged {
    this.#differs(what);
    this.#left = true;
    return new Diverged(what);
  }
}

function isOf<K extends TraceRecord['kind']>(record: TraceRecord, kind: K): record is TraceOf<K> {
  return record.kind === kind;
}

const mostShown = 200;

function shown(value: unknown): string {
  return shortened(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'), mostShown);
}
