import type { LogSource, SourceBatch, SourceMessage, SourceProgress } from '../../../src/ports.js';
import { type Place, type SimProcess, unavailable } from '../process.js';

/** What was taken for a reader, and how it acknowledges it. */
export interface Taken {
  readonly messages: readonly SourceMessage[];
  /** They have reached their reader. */
  arrived?(): void;
  acknowledge(done: readonly SourceMessage[]): void | Promise<void>;
}

export interface Reading {
  readonly name: string;
  /** true: what is taken and does not arrive comes again by itself. */
  readonly comesAgain: boolean;
  logs(): readonly string[];
  /** Takes what there is, at the broker. */
  take(most: number): Taken;
  /** Calls it when there may be more to take; returns what ends that. */
  wait(wake: () => void): () => void;
  progress(): Promise<readonly SourceProgress[]>;
  close(): void;
}

/** A log as one process reads it: asks, waits for an answer for so long, and hears nothing where it got lost. */
export class Reader implements LogSource {
  readonly system = 'simulated';
  readonly headerPrefix = 'ce-';
  /** Read, and not all acknowledged by whoever read it. */
  mostOpen = 0;
  private open = 0;
  private closed = false;
  private readonly ends = new Set<() => void>();

  constructor(
    private readonly process: SimProcess,
    private readonly bus: Place,
    private readonly reading: Reading,
  ) {}

  get name(): string {
    return this.reading.name;
  }

  logs(): readonly string[] {
    return this.reading.logs();
  }

  progress(): Promise<readonly SourceProgress[]> {
    return this.reading.progress();
  }

  read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const { process, bus } = this;
    return new Promise((resolve, reject) => {
      let stopWaiting = (): void => {};
      let answered = false;
      let coming = false;
      const once = (settle: () => void): void => {
        if (answered) return;
        answered = true;
        stopWaiting();
        this.ends.delete(end);
        process.inFlight--;
        settle();
      };
      const end = (): void => once(() => resolve(null));
      process.begin();
      this.ends.add(end);
      if (this.closed) return end();
      const nothing = (): void =>
        process.after(maxWaitMs, () => {
          if (!coming) once(() => resolve({ messages: [], ack: () => {} }));
        });
      const look = (): void => {
        if (answered || coming) return;
        if (bus.away) {
          const refuse = (): void => once(() => reject(unavailable(`${bus.name} is away`)));
          process.after(process.latencyTo(bus), refuse);
          return;
        }
        const taken = this.reading.take(maxMessages);
        if (taken.messages.length === 0) return;
        stopWaiting();
        const { random } = process.world;
        const positions = taken.messages.map(({ position }) => position.sequence).join(' ');
        process.world.note(process.name, () => `is handed ${positions} of ${this.name}`);
        if (this.reading.comesAgain && random.chance(bus.network.lostAnswer)) return;
        coming = true;
        process.after(process.latencyTo(bus), () => once(() => resolve(this.batch(taken))));
      };
      process.world.after(process.latencyTo(bus), () => {
        nothing();
        // The broker's own patience: it may hand messages to one who has died meanwhile, but not for ever.
        process.world.after(maxWaitMs, () => stopWaiting());
        if (process.world.random.chance(bus.network.lostRequest)) return;
        stopWaiting = this.reading.wait(() => process.world.after(process.latencyTo(bus) / 2, look));
        look();
      });
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const end of [...this.ends]) end();
    this.reading.close();
  }

  private batch({ messages, arrived, acknowledge }: Taken): SourceBatch {
    arrived?.();
    this.open += messages.length;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    const left = new Set(messages);
    return {
      messages,
      ack: (done = messages) => {
        if (this.bus.away) throw unavailable(`${this.bus.name} is away`);
        for (const message of done) if (left.delete(message)) this.open--;
        return acknowledge(done);
      },
    };
  }
}
