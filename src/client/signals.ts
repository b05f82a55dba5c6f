/** Signals of calls that run, by pair: to fire when its circuit opens. */
import { getEventListeners } from 'node:events';

/** Pairs for which a signal is kept for their next call. */
const mostKept = 1_000;

interface Kept {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  /** Whether a call has it. */
  inUse: boolean;
}

/**
 * A controller for each call that runs. To make one takes longer than all the rest of guarding a call, so one that
 * nobody listens to when its call is over serves the next call of the same pair, and of no other: whoever kept the
 * signal hears of the pair that it was given for.
 */
export class CallSignals {
  private readonly kept = new Map<string, Kept>();
  /** Of calls beside the one that has the kept controller of their pair. */
  private readonly others = new Map<string, Set<AbortController>>();

  begin(pairId: string): AbortController {
    const kept = this.kept.get(pairId);
    if (kept?.inUse === false) {
      kept.inUse = true;
      return kept.controller;
    }
    const controller = new AbortController();
    if (kept === undefined && this.kept.size < mostKept)
      this.kept.set(pairId, { controller, signal: controller.signal, inUse: true });
    else this.addOther(pairId, controller);
    return controller;
  }

  end(pairId: string, controller: AbortController): void {
    const kept = this.kept.get(pairId);
    if (kept?.controller !== controller) {
      const others = this.others.get(pairId);
      if (others?.delete(controller) === true && others.size === 0) this.others.delete(pairId);
    } else if (kept.signal.aborted || getEventListeners(kept.signal, 'abort').length > 0)
      this.kept.delete(pairId);
    else kept.inUse = false;
  }

  abort(pairId: string, reason: Error): void {
    const kept = this.kept.get(pairId);
    if (kept?.inUse === true) kept.controller.abort(reason);
    for (const controller of this.others.get(pairId) ?? []) controller.abort(reason);
  }

  private addOther(pairId: string, controller: AbortController): void {
    const others = this.others.get(pairId);
    if (others === undefined) this.others.set(pairId, new Set([controller]));
    else others.add(controller);
  }
}
