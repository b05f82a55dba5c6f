import { FulcrumError } from '../../errors.js';
import type { ProgramLimits } from '../ports.js';

export const defaultProgramLimits: ProgramLimits = {
  memoryBytes: 64 * 1024 * 1024,
  stackBytes: 192 * 1024,
  cpuMs: 2_000,
  deadlineMs: 120_000,
};

/** What each limit may be. More stack than 256 KiB runs through that of the interpreter's thread. */
const ranges: Record<keyof ProgramLimits, readonly [least: number, most: number]> = {
  memoryBytes: [1024 * 1024, 1024 * 1024 * 1024],
  stackBytes: [128 * 1024, 256 * 1024],
  cpuMs: [1, 2 ** 31 - 1],
  deadlineMs: [1, 2 ** 31 - 1],
};

/** @throws FulcrumError `usage` naming the limit and its rule */
export function checkLimits(limits: ProgramLimits): void {
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value = limits[name as keyof ProgramLimits];
    if (!(value >= least && value <= most))
      throw new FulcrumError('usage', `the program limit ${name} is ${value}: must be ${least} to ${most}`);
  }
}
