import { SingleBar } from 'cli-progress';

/** As a shell has it for a command that Ctrl-C ended. */
export const interruptedExitCode = 130;

export interface Bar {
  /**
   * @param events what is done, to be shown
   * @param done how far it is, of `total`; a total of 0: nobody knows
   */
  update(events: number, done: number, total: number): void;
  stop(): void;
}

/** A bar with rate and remaining time, on a terminal and only there. */
export function progressBar(shown: boolean): Bar {
  if (process.stderr.isTTY !== true || !shown) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {events} events | {rate}/s | {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  const startedAt = Date.now();
  let started = false;
  return {
    update: (events, done, total) => {
      if (!started) bar.start(Math.max(total, 1), 0, { events: 0, rate: 0 });
      started = true;
      // A log grows while it is read.
      if (total > bar.getTotal()) bar.setTotal(total);
      const rate = Math.round(events / Math.max(0.001, (Date.now() - startedAt) / 1_000));
      bar.update(total === 0 ? 0 : done, { events, rate });
    },
    stop: () => {
      if (started) bar.stop();
    },
  };
}
