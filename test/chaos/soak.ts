/** Load for a long time at half of what the processors can do, with a fault a minute. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/demo/random.js';
import { ackWaitMs, type Fault, faultsNamed, sessionTimeoutMs, type World } from './faults.js';
import { Load } from './load.js';
import { openTheatre, type Theatre, type TheatreOptions } from './theatre.js';
import { type Figures, type Verdict, Verifier } from './verify.js';

export interface SoakOptions extends TheatreOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Told of each minute when it is over. */
  readonly onMinute?: (minute: Minute) => void;
}

export interface Minute {
  readonly number: number;
  readonly fault: string;
  /** Messages that waited at the fault's last stroke. */
  readonly lagAtFault: number;
  /** From then until no more than one second's messages waited, under load. Infinity: not in this minute. */
  readonly recoveryMs: number;
  /** How long it took at its end, once the load was held, until nothing waited at all. Infinity: it did not come. */
  readonly quietMs: number;
  /** Memory of each processor, in MiB. */
  readonly memory: Readonly<Record<string, number>>;
}

export interface SoakOutcome {
  readonly options: SoakOptions;
  /** Messages a second that were acknowledged while the driver sent as many as it could. */
  readonly maximum: number;
  /** Messages a second of the soak. */
  readonly rate: number;
  readonly minutes: readonly Minute[];
  readonly verdict: Verdict;
  readonly figures: Figures;
  readonly folder: string | null;
}

const processors = 2;
const hotPairs = 400;
const batchMs = 50;
const warmMs = 5_000;
const measureMs = 20_000;
/** While the maximum is measured, so many messages wait at most. */
const mostWaiting = 10_000;
const batchOfMaximum = 500;
const minuteMs = 60_000;
/** When in its minute the load is held. */
const holdMs = 54_000;
const quietWithinMs = 30_000 + Math.max(ackWaitMs, sessionTimeoutMs);

export async function runSoak(options: SoakOptions): Promise<SoakOutcome> {
  const theatre = await openTheatre(options);
  try {
    await theatre.begin(processors);
    const outcome = await new Soak(options, theatre).all();
    if (outcome.folder === null) theatre.forget();
    return outcome;
  } finally {
    await theatre.close();
  }
}

class Soak {
  private readonly load: Load;
  private readonly random: () => number;
  private readonly verifier: Verifier;
  private taken = 0;

  constructor(
    private readonly options: SoakOptions,
    private readonly theatre: Theatre,
  ) {
    this.load = new Load({ seed: options.seed, hotPairs });
    this.random = seededRandom(options.seed + 1);
    this.verifier = new Verifier(theatre);
  }

  async all(): Promise<SoakOutcome> {
    const { options, theatre, verifier } = this;
    const maximum = await this.measure();
    const rate = Math.round(maximum / 2);
    const faults = faultsNamed([
      'kill',
      'kill-broker',
      'stop',
      'kill-redis',
      'scale',
      'lose-second',
      'script-flush',
    ]);
    const minutes: Minute[] = [];
    while (minutes.length < options.minutes) {
      const fault = faults[minutes.length % faults.length] as Fault;
      const minute = await this.minute(minutes.length + 1, fault, rate);
      minutes.push(minute);
      options.onMinute?.(minute);
      if (!Number.isFinite(minute.quietMs)) break;
    }
    const found = await verifier.verify();
    const late = minutes.filter(({ quietMs }) => !Number.isFinite(quietMs));
    const troubles = late.map(
      ({ number, fault }) => `minute ${number}, ${fault}: lag and outbox did not come to 0`,
    );
    const verdict = { ...found, faults: [...troubles, ...theatre.fleet.mishaps, ...found.faults] };
    const folder = verdict.faults.length === 0 ? null : theatre.folder;
    return { options, maximum, rate, minutes, verdict, figures: verifier.figures(this.taken), folder };
  }

  /** Sends as many as are acknowledged, and says how many that is a second. */
  private async measure(): Promise<number> {
    const { broker } = this.theatre;
    const sendFor = async (ms: number): Promise<number> => {
      const until = performance.now() + ms;
      let lag = 0;
      while (performance.now() < until) {
        lag = await broker.lag();
        for (let open = lag; open < mostWaiting; open += batchOfMaximum) await this.send(batchOfMaximum);
      }
      return this.taken - (await broker.lag());
    };
    const before = await sendFor(warmMs);
    const from = performance.now();
    const after = await sendFor(measureMs);
    const seconds = (performance.now() - from) / 1_000;
    await this.theatre.quiet(performance.now() + quietWithinMs);
    return Math.round((after - before) / seconds);
  }

  private async minute(number: number, fault: Fault, rate: number): Promise<Minute> {
    const { theatre, random } = this;
    const { fleet } = theatre;
    const begun = performance.now();
    this.load.beginRound();
    const ended = new AbortController();
    const publishing = this.publish(rate, ended.signal);
    await pause(2_000 + 3_000 * random());
    if (fault.losesWrites) this.verifier.writesWereLost = true;
    // The oldest is spared: its memory is what is looked at.
    const world: World = { ...theatre, size: processors, random, victims: () => fleet.all.slice(1) };
    await fault.inject(world);
    const from = performance.now();
    const lagAtFault = await this.lag();
    const recovering = this.recovered(rate, begun + holdMs).then((at) => at - from);
    await fleet.scale(processors);
    const recoveryMs = await recovering;
    await pause(Math.max(0, begun + holdMs - performance.now()));
    const memory = Object.fromEntries(fleet.all.map(({ name, pid }) => [name, residentMiB(pid)]));
    ended.abort();
    await publishing;
    const held = performance.now();
    const at = await theatre.quiet(held + quietWithinMs);
    const quietMs = typeof at === 'number' ? at - held : Number.POSITIVE_INFINITY;
    await pause(Math.max(0, begun + minuteMs - performance.now()));
    return { number, fault: fault.name, lagAtFault, recoveryMs, quietMs, memory };
  }

  /** When no more than one second's messages wait; Infinity: not by the deadline. */
  private async recovered(rate: number, deadline: number): Promise<number> {
    while (performance.now() < deadline) {
      if ((await this.lag()) <= rate) return performance.now();
      await pause(100);
    }
    return Number.POSITIVE_INFINITY;
  }

  private lag(): Promise<number> {
    return this.theatre.broker.lag().catch(() => Number.POSITIVE_INFINITY);
  }

  private async publish(rate: number, signal: AbortSignal): Promise<void> {
    const size = Math.round((rate * batchMs) / 1_000);
    for (let at = performance.now(); !signal.aborted; ) {
      await this.send(size);
      // What could not be sent while the broker was away is sent after it.
      at += batchMs;
      await pause(Math.max(0, at - performance.now()));
    }
  }

  private async send(size: number): Promise<void> {
    const batch = this.load.batch(size, Date.now() / 1_000);
    await this.theatre.broker.publish(batch);
    this.taken += batch.length;
  }
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024);
}
