/** Calls of a pair that stop when its circuit opens. */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.js';
import { type CircuitOpenReason, TrustCircuitOpen } from '../trust/errors.js';
import { TrustOutcome } from '../trust/outcome.js';
import { makePairId } from '../trust/pair.js';
import type { CircuitChange, PairCircuit } from './circuit.js';
import type { Circuits } from './circuits.js';
import type { Classifier } from './classifier.js';
import { HeldProbe } from './held-probe.js';
import { checkDetails, checkName, type ReportDetails } from './report.js';
import { CallSignals } from './signals.js';
import type { Way } from './way.js';

/** A call that is guarded. The signal fires when the pair's circuit opens while it runs. */
export type GuardedCall<T> = (signal: AbortSignal) => T | Promise<T>;

/** How a guarded call is judged and reported. */
export interface GuardOptions<T> extends Omit<ReportDetails, 'content' | 'probe'> {
  /** The text of the exchange: itself, or made of the answer. Of a call that failed a function gives what was thrown. */
  readonly content?: string | ((answer: T) => string | undefined) | undefined;
  /** What came of the call; null: it says nothing of the pair. @defaultValue the client's classifier, with `prior` */
  readonly classify?: ((answer: T) => TrustOutcome | null) | undefined;
  /** What the call was given: an answer that repeats it counts as `partial`. */
  readonly prior?: unknown;
  /** Aborts the call's signal too. A call that then throws is not reported. */
  readonly signal?: AbortSignal | undefined;
}

export interface GuardParts {
  readonly circuits: Circuits;
  readonly probes: Way['probes'];
  readonly probeLeaseMs: number;
  readonly classifier: Classifier;
  readonly report: (
    agentA: string,
    agentB: string,
    outcome: TrustOutcome,
    details: ReportDetails | undefined,
  ) => Promise<void>;
}

/** A call that may be made, as the probe of a HALF_OPEN circuit or as any. */
interface Admission {
  readonly probe: number | undefined;
  /** Held while the call runs. */
  readonly lease: HeldProbe | null;
}

const anybody: Admission = { probe: undefined, lease: null };

export class Guard {
  private readonly signals = new CallSignals();

  constructor(private readonly parts: GuardParts) {
    const abort = (change: CircuitChange): void => {
      if (change.enforced) this.signals.abort(change.pairId, openError(change));
    };
    parts.circuits.on('opened', abort);
    parts.circuits.on('terminated', abort);
  }

  async call<T>(
    agentA: string,
    agentB: string,
    run: GuardedCall<T>,
    options: GuardOptions<T> | undefined,
  ): Promise<T> {
    const { circuits } = this.parts;
    const isPlain = circuits.trusted && circuits.get(agentA, agentB) === undefined;
    const admission = isPlain ? anybody : await this.admit(agentA, agentB);
    // Who takes none needs none.
    const wanted = run.length > 0;
    const pairId = makePairId(agentA, agentB);
    const controller = wanted ? this.signals.begin(pairId) : null;
    const signal = controller === null ? neverAborted : signalOf(controller, options?.signal);
    let answer: T;
    try {
      answer = await run(signal);
    } catch (error) {
      const aborted = signal.aborted || options?.signal?.aborted === true;
      this.failed(agentA, agentB, admission, error, aborted, options);
      throw error;
    } finally {
      if (controller !== null) this.signals.end(pairId, controller);
    }
    this.succeeded(agentA, agentB, admission, answer, options);
    return answer;
  }

  private succeeded<T>(
    agentA: string,
    agentB: string,
    admission: Admission,
    answer: T,
    options: GuardOptions<T> | undefined,
  ): void {
    const outcome =
      options?.classify === undefined
        ? this.parts.classifier.classify(options?.prior, answer)
        : options.classify(answer);
    if (outcome === null) {
      admission.lease?.giveUp();
      return;
    }
    admission.lease?.done();
    const content = typeof options?.content === 'function' ? options.content(answer) : options?.content;
    this.report(agentA, agentB, outcome, admission, content, options);
  }

  private failed<T>(
    agentA: string,
    agentB: string,
    admission: Admission,
    error: unknown,
    aborted: boolean,
    options: GuardOptions<T> | undefined,
  ): void {
    if (aborted) {
      // It was we who ended it: that says nothing of the pair.
      admission.lease?.giveUp();
      return;
    }
    admission.lease?.done();
    const content = typeof options?.content === 'function' ? messageOf(error) : options?.content;
    this.report(agentA, agentB, TrustOutcome.FAILURE, admission, content, options);
  }

  private report<T>(
    agentA: string,
    agentB: string,
    outcome: TrustOutcome,
    { probe }: Admission,
    content: string | undefined,
    options: GuardOptions<T> | undefined,
  ): void {
    const details =
      options === undefined && probe === undefined ? undefined : detailsOf(options, content, probe);
    // The answer does not wait for room in the buffer.
    void this.parts.report(agentA, agentB, outcome, details).catch(() => {});
  }

  /** @throws TrustCircuitOpen when the call may not be made */
  private async admit(agentA: string, agentB: string): Promise<Admission> {
    const { circuits, probes, probeLeaseMs } = this.parts;
    for (;;) {
      const circuit = circuits.get(agentA, agentB);
      if (circuits.isOpen(agentA, agentB)) {
        const stopsBlindly = circuit?.state === 'HALF_OPEN' && probes !== null;
        throw refusal(agentA, agentB, stopsBlindly ? undefined : circuit);
      }
      if (circuit?.state !== 'HALF_OPEN') return anybody;
      // Nobody has to stop in shadow mode: every call may be the probe.
      if (!circuit.enforced || probes === null) return { probe: circuit.transition, lease: null };
      const lease = new HeldProbe(probes.lease(circuit, randomUUID(), probeLeaseMs));
      try {
        if (!(await lease.take())) throw refusal(agentA, agentB, circuit);
      } catch (error) {
        if (error instanceof TrustCircuitOpen) throw error;
        throw refusal(agentA, agentB, circuit, error);
      }
      if (circuits.get(agentA, agentB)?.transition === circuit.transition && !circuits.isOpen(agentA, agentB))
        return { probe: circuit.transition, lease };
      // It moved while the right was asked for.
      lease.giveUp();
    }
  }
}

const neverAborted = new AbortController().signal;

function signalOf(controller: AbortController, outer: AbortSignal | undefined): AbortSignal {
  return outer === undefined ? controller.signal : AbortSignal.any([controller.signal, outer]);
}

function detailsOf<T>(
  options: GuardOptions<T> | undefined,
  content: string | undefined,
  probe: number | undefined,
): ReportDetails {
  return {
    content,
    sessionId: options?.sessionId,
    task: options?.task,
    weight: options?.weight,
    attributes: options?.attributes,
    probe,
  };
}

/** @throws TrustValueError naming the argument, its value and the rule */
export function checkGuard<T>(agentA: unknown, agentB: unknown, options: GuardOptions<T> | undefined): void {
  checkName('agentA', agentA);
  checkName('agentB', agentB);
  if (options === undefined) return;
  const { content, classify, prior, signal, ...details } = options;
  checkDetails(typeof content === 'function' ? details : { ...details, content });
}

function refusal(
  agentA: string,
  agentB: string,
  circuit: PairCircuit | undefined,
  cause?: unknown,
): TrustCircuitOpen {
  if (circuit === undefined)
    return new TrustCircuitOpen(makePairId(agentA, agentB), Number.NaN, Number.NaN, 'stale');
  return openError(circuit, cause);
}

const reasonOf: Readonly<Record<PairCircuit['state'], CircuitOpenReason>> = {
  CLOSED: 'stale',
  OPEN: 'score',
  HALF_OPEN: 'half_open',
  TERMINATED: 'terminated',
};

function openError(
  { pairId, trustScore, threshold, state, enforced, explanation }: PairCircuit,
  cause?: unknown,
): TrustCircuitOpen {
  const opened = state === 'OPEN' && explanation !== undefined ? 'change' : reasonOf[state];
  const reason = enforced ? opened : 'stale';
  return new TrustCircuitOpen(pairId, trustScore, threshold, reason, cause === undefined ? {} : { cause });
}
