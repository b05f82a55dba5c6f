/** Programs in the real sandbox, as it is built: its thread is a file of its own. */
import { runProgram } from '#dist/rlm/program/run.js';
import type { Primitive, ProgramEnd, ProgramHost, ProgramLimits } from '../../../src/rlm/ports.js';

export const limits: ProgramLimits = {
  memoryBytes: 32 * 1024 * 1024,
  stackBytes: 192 * 1024,
  // A busy machine takes its time.
  cpuMs: 5_000,
  deadlineMs: 30_000,
};

export type Calls = [primitive: Primitive, args: readonly unknown[]][];

/** Answers every call with what `answer` makes of it, null by default, and remembers it. */
export class RecordingHost implements ProgramHost {
  readonly calls: Calls = [];

  constructor(
    private readonly answer: (primitive: Primitive, args: readonly unknown[]) => unknown = () => null,
  ) {}

  async call(primitive: Primitive, args: readonly unknown[]): Promise<unknown> {
    this.calls.push([primitive, args]);
    return this.answer(primitive, args);
  }

  /** What the program recorded. */
  get recorded(): unknown[] {
    return this.calls.filter(([primitive]) => primitive === 'recordStep').map(([, [step]]) => step);
  }
}

export interface Ran {
  readonly end: ProgramEnd;
  readonly recorded: readonly unknown[];
  readonly calls: Calls;
}

export async function run(
  program: string,
  {
    answer,
    signal,
    ...changed
  }: Partial<ProgramLimits> & {
    answer?: (primitive: Primitive, args: readonly unknown[]) => unknown;
    signal?: AbortSignal;
  } = {},
): Promise<Ran> {
  const host = new RecordingHost(answer);
  const end = await runProgram(program, host, { ...limits, ...changed }, signal);
  return { end, recorded: host.recorded, calls: host.calls };
}

export const done: ProgramEnd = { kind: 'done' };
