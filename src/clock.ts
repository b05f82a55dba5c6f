import type { Clock } from './ports.js';

/** The system's clock, in seconds since the epoch. */
export const systemClock: Clock = () => Date.now() / 1_000;
