/** Rounds of load with a fault in each, and after each the question whether all is as promised. */
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/demo/random.js';
import { ackWaitMs, type Fault, sessionTimeoutMs, type World } from './faults.js';
import { Load } from './load.js';
import { openTheatre, type Theatre, type TheatreOptions } from './theatre.js';
import { type Figures, type Verdict, Verifier } from './verify.js';

export interface ChaosOptions extends TheatreOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Events a second. @defaultValue 600 */
  readonly rate?: number;
  /**
   * How long, in ms, recovery may take once as many processors run again, beside the ack wait or session timeout.
   * @defaultValue 30000
   */
  readonly recoverWithinMs?: number;
  /** Told of each round. */
  readonly onRound?: (round: Round) => void;
}

export interface Round {
  readonly number: number;
  readonly fault: string;
  /** false: it did not come to the fault. */
  readonly injected: boolean;
  /** From the fault's last stroke until all was applied and published. */
  readonly recoveryMs: number;
}

export interface Outcome {
  readonly options: ChaosOptions;
  readonly rounds: readonly Round[];
  readonly verdict: Verdict;
  readonly figures: Figures;
  /** Where the processors' logs are kept; null: all went well. */
  readonly folder: string | null;
}

const processors = 2;
const batchMs = 50;
/** Messages that a round begins with at once, at most. */
const mostBacklog = 3_000;

export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const theatre = await openTheatre(options);
  try {
    await theatre.begin(processors);
    const outcome = await new Run(options, theatre).all();
    if (outcome.folder === null) theatre.forget();
    return outcome;
  } finally {
    await theatre.close();
  }
}

class Run {
  private readonly load: Load;
  private readonly random: () => number;
  private readonly verifier: Verifier;
  private taken = 0;

  constructor(
    private readonly options: ChaosOptions,
    private readonly theatre: Theatre,
  ) {
    this.load = new Load({ seed: options.seed });
    this.random = seededRandom(options.seed + 1);
    this.verifier = new Verifier(theatre);
  }

  async all(): Promise<Outcome> {
    const { options, verifier } = this;
    const control = options.without !== undefined;
    const rounds: Round[] = [];
    let verdict: Verdict | null = null;
    for (const fault of this.order()) {
      const { round, trouble } = await this.round(rounds.length + 1, fault);
      rounds.push(round);
      options.onRound?.(round);
      if (control && trouble.length === 0) continue;
      verdict = await verifier.verify();
      const faults = [...trouble, ...this.theatre.fleet.mishaps, ...verdict.faults];
      verdict = { ...verdict, faults };
      if (faults.length > 0) break;
    }
    verdict ??= await verifier.verify(2_000);
    const kept = verdict.faults.length === 0 ? null : this.theatre.folder;
    return { options, rounds, verdict, figures: this.verifier.figures(this.taken), folder: kept };
  }

  /** Each kind of fault about as often, in an order of the seed. */
  private order(): Fault[] {
    const { faults, rounds } = this.options;
    const order: Fault[] = [];
    while (order.length < rounds) {
      const turn = [...faults];
      while (turn.length > 0) order.push(...turn.splice(Math.floor(this.random() * turn.length), 1));
    }
    return order.slice(0, rounds);
  }

  private async round(number: number, fault: Fault): Promise<{ round: Round; trouble: string[] }> {
    const { theatre, random } = this;
    const { fleet } = theatre;
    this.load.beginRound();
    const ended = new AbortController();
    const publishing = this.publish(ended.signal);
    await pause(200 + 800 * random());
    if (fault.losesWrites) this.verifier.writesWereLost = true;
    const world: World = { ...theatre, size: processors, random, victims: () => fleet.all };
    const injected = await fault.inject(world);
    const from = performance.now();
    // As a supervisor does.
    await fleet.scale(processors);
    const { recoverWithinMs = 30_000 } = this.options;
    const limitMs = recoverWithinMs + Math.max(ackWaitMs, sessionTimeoutMs);
    const deadline = performance.now() + limitMs;
    await pause(200);
    ended.abort();
    const at = await Promise.race([
      publishing.then(() => theatre.quiet(deadline)),
      pause(limitMs + 5_000, 'the driver could not publish', { ref: false }),
    ]);
    const recoveryMs = typeof at === 'number' ? at - from : Number.POSITIVE_INFINITY;
    const trouble =
      typeof at === 'number' ? [] : [`round ${number}, ${fault.name}: ${at} within ${limitMs} ms`];
    return { round: { number, fault: fault.name, injected, recoveryMs }, trouble };
  }

  private async publish(signal: AbortSignal): Promise<void> {
    const { rate = 600 } = this.options;
    const size = Math.round((rate * batchMs) / 1_000);
    // Some faults come upon a backlog.
    for (let open = mostBacklog * this.random() ** 2; open > size && !signal.aborted; open -= size)
      await this.send(size);
    for (let at = performance.now(); !signal.aborted; ) {
      await this.send(size);
      at = Math.max(at + batchMs, performance.now() - batchMs);
      await pause(Math.max(0, at - performance.now()));
    }
  }

  private async send(size: number): Promise<void> {
    const batch = this.load.batch(size, Date.now() / 1_000);
    await this.theatre.broker.publish(batch);
    this.taken += batch.length;
  }
}
