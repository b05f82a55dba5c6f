import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again until it is so: for what another process does and tells nobody.
 *
 * @param check resolves with anything but false or undefined when it is so; a throw counts as not yet
 * @throws Error that says what did not come true, caused by the last thing that `check` threw
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | false | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await check();
      if (answer !== false && answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await pause(20);
  }
}
