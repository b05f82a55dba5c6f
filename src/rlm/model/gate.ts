import pLimit, { type LimitFunction } from 'p-limit';

/** Calls of models that a process has under way at most, whoever makes them. */
export const defaultCallsAtOnce = 4;

/** The one that every endpoint of a process goes through, unless it is given another. */
export const processGate: LimitFunction = pLimit(defaultCallsAtOnce);
