import { CircuitState, type IBreaker } from 'cockatiel';

/**
 * A share of failures in a window of time, as most breakers have it. In its pure form: those at hand count time in steps
 * that turn with calls or with timers of the process, so they cannot be held to a log of one call an hour.
 */
export class WindowBreaker implements IBreaker {
  state: unknown = undefined;
  private calls: { readonly at: number; readonly failed: boolean }[] = [];
  private failures = 0;

  /** @param fewest calls in the window below which it does not open */
  constructor(
    private readonly windowMs: number,
    private readonly share: number,
    private readonly fewest: number,
  ) {}

  success(state: CircuitState): void {
    if (state === CircuitState.HalfOpen) {
      this.calls = [];
      this.failures = 0;
    }
    this.push(false);
  }

  failure(state: CircuitState): boolean {
    this.push(true);
    if (state !== CircuitState.Closed) return true;
    return this.calls.length >= this.fewest && this.failures > this.share * this.calls.length;
  }

  private push(failed: boolean): void {
    const at = Date.now();
    this.calls.push({ at, failed });
    if (failed) this.failures++;
    const first = this.calls.findIndex((call) => call.at > at - this.windowMs);
    for (const gone of this.calls.splice(0, first)) if (gone.failed) this.failures--;
  }
}
