import type { Timers } from '../../src/clock.js';
import { FulcrumError } from '../../src/errors.js';
import type { Clock } from '../../src/ports.js';
import { beginning, type World } from './world.js';

/** A server, as those see it who send it requests. */
export interface Place {
  readonly name: string;
  /** It does not answer just now. */
  readonly away: boolean;
  /** What may happen to a request on its way. */
  readonly network: Network;
}

/** How likely a request comes to harm. */
export interface Network {
  /** It never arrives. */
  lostRequest: number;
  /** It is done, and nobody hears of it. */
  lostAnswer: number;
  /** It is done after its sender has given it up. */
  lateRequest: number;
  /** It takes much longer than usual. */
  slow: number;
  slowMs: number;
  /** How long a sender waits for an answer. */
  timeoutMs: number;
}

export function calmNetwork(): Network {
  return { lostRequest: 0, lostAnswer: 0, lateRequest: 0, slow: 0, slowMs: 0, timeoutMs: 500 };
}

/** A process of the fleet, from its start to its end. What it waits for when it is killed never comes. */
export class SimProcess {
  alive = true;
  /** What it has asked for and not heard of yet. */
  inFlight = 0;
  mostInFlight = 0;
  private resumesAtMs = 0;

  constructor(
    readonly world: World,
    readonly name: string,
    private readonly skewMs: number,
  ) {}

  readonly clock: Clock = () => beginning + (this.world.nowMs + this.skewMs) / 1_000;

  readonly timers: Timers = {
    elapsedMs: () => this.world.nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const done = (): void => {
          signal?.removeEventListener('abort', done);
          resolve();
        };
        this.after(this.stretched(ms), done);
        signal?.addEventListener('abort', done, { once: true });
      }),
    turn: () => new Promise((resolve) => this.after(0, resolve)),
  };

  kill(): void {
    this.alive = false;
    this.world.note(this.name, () => 'is killed');
  }

  pause(ms: number): void {
    this.resumesAtMs = Math.max(this.resumesAtMs, this.world.nowMs + ms);
    this.world.note(this.name, () => `stands still for ${ms.toFixed(0)} ms`);
  }

  get paused(): boolean {
    return this.world.nowMs < this.resumesAtMs;
  }

  /** Runs it in this process after so long: later when it stands still then, never when it is dead. */
  after(delayMs: number, run: () => void): void {
    this.world.after(delayMs, () => this.enter(run));
  }

  /** Asks a server for something, which it does at one moment; `unavailable` when no answer comes. */
  call<T>(place: Place, what: string, work: () => T): Promise<T> {
    const { world } = this;
    const { network } = place;
    const chance = world.random.between(0, 1);
    const requestLost = chance < network.lostRequest;
    const late = !requestLost && chance < network.lostRequest + network.lateRequest;
    const answerLost = !requestLost && !late && chance > 1 - network.lostAnswer;
    return new Promise((resolve, reject) => {
      this.begin();
      const answer = (delayMs: number, settle: () => void): void =>
        this.after(delayMs, () => {
          this.inFlight--;
          settle();
        });
      const silence = (): void =>
        answer(network.timeoutMs, () => reject(unavailable(`${place.name} does not answer: ${what}`)));
      const attempt = (): { readonly settle: () => void } => {
        if (place.away) return { settle: () => reject(unavailable(`${place.name} is away: ${what}`)) };
        try {
          const value = work();
          world.note(
            this.name,
            () => `${what} -> ${place.name}${answerLost ? ', and does not hear of it' : ''}`,
          );
          return { settle: () => resolve(value) };
        } catch (error) {
          world.note(this.name, () => `${what} -> ${place.name}: ${(error as Error).message}`);
          return { settle: () => reject(error as Error) };
        }
      };
      if (requestLost) {
        world.note(this.name, () => `${what} is lost on its way to ${place.name}`);
        silence();
      } else if (late) {
        silence();
        world.after(network.timeoutMs + this.latencyTo(place), () => {
          world.note(this.name, () => `gave up, and it is done now:`);
          attempt();
        });
      } else
        world.after(this.latencyTo(place), () => {
          const { settle } = attempt();
          if (answerLost) silence();
          else answer(this.latencyTo(place), settle);
        });
    });
  }

  /** How long something takes on the way between this process and a server. */
  latencyTo({ network }: Place): number {
    const { random } = this.world;
    return random.exponential(random.chance(network.slow) ? network.slowMs : 1);
  }

  begin(): void {
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
  }

  private enter(run: () => void): void {
    if (!this.alive) return;
    const { nowMs, random } = this.world;
    if (nowMs < this.resumesAtMs)
      this.world.after(this.resumesAtMs - nowMs + random.exponential(0.1), () => this.enter(run));
    else run();
  }

  /** Nobody is woken to the millisecond; how long a short sleep lasts makes the order of things. */
  private stretched(ms: number): number {
    const { random } = this.world;
    return ms <= 10 ? ms + random.exponential(80) : ms * random.between(1, 1.3);
  }
}

export function unavailable(message: string): FulcrumError {
  return new FulcrumError('unavailable', message);
}
