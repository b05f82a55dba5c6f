/** Rounds of load with a fault in each, and after each the question whether all is as promised. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/demo/random.js';
import { PolicyBook } from '../../src/trust/policies.js';
import type { ChaosBroker } from './broker.js';
import { ackWaitMs, type Fault, sessionTimeoutMs, type World } from './faults.js';
import { Fleet } from './fleet.js';
import { startChaosKafka } from './kafka.js';
import { Load, policies } from './load.js';
import { startChaosNats } from './nats.js';
import { type ChaosRedis, startChaosRedis } from './redis.js';
import { type Verdict, Verifier } from './verify.js';

export interface ChaosOptions {
  readonly source: 'nats' | 'kafka';
  readonly rounds: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** A guarantee that is taken away: then all rounds are done, and what went wrong is counted at the end. */
  readonly without?: 'positions' | 'replay' | undefined;
  /** Events a second. @defaultValue 600 */
  readonly rate?: number;
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

/** What the run came to, in records of the logs. */
export interface Figures {
  readonly messages: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly commands: number;
  readonly transitions: number;
  readonly repeats: number;
  readonly lateRepeats: number;
  /** The broker had taken them, and does not have them. */
  readonly lostByBroker: number;
}

const processors = 2;
const batchMs = 50;
/** Time that recovery may take beside the ack wait or the session timeout, in ms. */
const recoverWithinMs = 30_000;

export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fulcrum-chaos-'));
  const broker = await (options.source === 'nats'
    ? startChaosNats(ackWaitMs / 1_000)
    : startChaosKafka(sessionTimeoutMs));
  const redis = await startChaosRedis();
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ policies }));
  const quiet = ['projection.agentKeys=false', 'projection.telemetry=false'].flatMap((set) => ['--set', set]);
  const args = [...broker.args, '--redis', redis.url, '--config', config, ...quiet];
  const fleet = new Fleet({ args, folder, without: options.without });
  let outcome: Outcome | undefined;
  try {
    await fleet.scale(processors);
    outcome = await new Run(options, broker, redis, fleet).all(folder);
    return outcome;
  } finally {
    await fleet.stop();
    await Promise.all([broker.close(), redis.close()]);
    if (outcome !== undefined && outcome.verdict.faults.length === 0)
      rmSync(folder, { recursive: true, force: true });
  }
}

class Run {
  private readonly load: Load;
  private readonly random: () => number;
  private readonly verifier: Verifier;
  private taken = 0;

  constructor(
    private readonly options: ChaosOptions,
    private readonly broker: ChaosBroker,
    private readonly redis: ChaosRedis,
    private readonly fleet: Fleet,
  ) {
    this.load = new Load({ seed: options.seed });
    this.random = seededRandom(options.seed + 1);
    this.verifier = new Verifier(broker, redis, new PolicyBook({ version: 0, default: {}, policies }));
  }

  async all(folder: string): Promise<Outcome> {
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
      const faults = [...trouble, ...this.fleet.mishaps, ...verdict.faults];
      verdict = { ...verdict, faults };
      if (faults.length > 0) break;
    }
    verdict ??= await verifier.verify(2_000);
    const kept = verdict.faults.length === 0 ? null : folder;
    return { options, rounds, verdict, figures: this.figures(), folder: kept };
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
    const { broker, redis, fleet, random } = this;
    this.load.beginRound();
    const ended = new AbortController();
    const publishing = this.publish(ended.signal);
    await pause(200 + 800 * random());
    if (fault.losesWrites) this.verifier.writesWereLost = true;
    const world: World = { broker, redis, fleet, size: processors, random };
    const injected = await fault.inject(world);
    const from = performance.now();
    // As a supervisor does.
    await fleet.scale(processors);
    await pause(200);
    ended.abort();
    const limitMs = recoverWithinMs + Math.max(ackWaitMs, sessionTimeoutMs);
    const at = await Promise.race([
      publishing.then(() => this.quiet(from + limitMs)),
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
    for (let at = performance.now(); !signal.aborted; ) {
      const batch = this.load.batch(size, Date.now() / 1_000);
      await this.broker.publish(batch);
      this.taken += batch.length;
      at = Math.max(at + batchMs, performance.now() - batchMs);
      await pause(Math.max(0, at - performance.now()));
    }
  }

  /** When all was applied, acknowledged and published; a text: it was not in time. */
  private async quiet(deadline: number): Promise<number | string> {
    for (let last = 'nobody answers'; ; await pause(50)) {
      try {
        const [lag, outbox] = await Promise.all([this.broker.lag(), this.redis.outbox()]);
        const now = performance.now();
        if (lag === 0 && outbox === 0) return now;
        last = `lag is ${lag} and the outboxes hold ${outbox}`;
      } catch (error) {
        last = `a server does not answer: ${error}`;
      }
      if (performance.now() > deadline) return last;
    }
  }

  private figures(): Figures {
    const { reference, circuits, read } = this.verifier;
    const { accepted, duplicates, refused, commands } = reference;
    const { transitions, repeats, lateRepeats } = circuits;
    const lostByBroker = Math.max(0, this.taken - read);
    return {
      messages: read,
      accepted,
      duplicates,
      refused,
      commands,
      transitions,
      repeats,
      lateRepeats,
      lostByBroker,
    };
  }
}
