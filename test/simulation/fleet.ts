import type { EventSink } from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { PolicyBook } from '../../src/trust/policies.js';
import type { Bus } from './bus/bus.js';
import type { Reader } from './bus/reader.js';
import type { Mistake } from './mistakes.js';
import { SimProcess } from './process.js';
import { SimStore } from './store/client.js';
import type { StoreServer } from './store/server.js';
import type { Plan } from './story/plan.js';
import type { World } from './world.js';

/** One processor in its process. */
export interface Member {
  readonly process: SimProcess;
  readonly processor: Processor;
  readonly readers: readonly Reader[];
  readonly store: SimStore;
  /** It was told to stop. */
  leaving: boolean;
  /** Its processor has finished. */
  ended: boolean;
  /** And it has let go of what it had. */
  closed: boolean;
}

/** The processors that run, and ran. */
export class Fleet {
  readonly everybody: Member[] = [];
  private readonly book: PolicyBook;

  /** @param fail hears what must not happen */
  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly bus: Bus,
    private readonly servers: readonly StoreServer[],
    private readonly mistake: Mistake | null,
    private readonly fail: (what: string) => void,
  ) {
    this.book = new PolicyBook({ version: 1, default: plan.trust, policies: plan.policies });
  }

  get running(): readonly Member[] {
    return this.everybody.filter(({ process, ended }) => process.alive && !ended);
  }

  start(): void {
    const { world, plan, bus, servers, mistake } = this;
    const { random } = world;
    const name = `p${this.everybody.length + 1}`;
    const process = new SimProcess(world, name, random.between(-plan.skewMs, plan.skewMs));
    const connection = bus.connect(process);
    const store = new SimStore(process, servers, random.between(-2, 2));
    const readers = [connection.consume('interactions'), connection.consume('commands')] as const;
    const [interactions, commands] = readers.map((reader) => mistake?.source?.(reader) ?? reader);
    const circuits: EventSink = mistake?.sink?.(connection.sink) ?? connection.sink;
    const processor = new Processor({
      store: mistake?.store?.(store) ?? store,
      interactions: interactions === undefined ? [] : [interactions],
      ...(commands === undefined ? {} : { commands }),
      circuits,
      deadLetters: connection.sink,
      logs: connection,
      policies: () => this.book,
      clock: process.clock,
      timers: process.timers,
      maxBatch: plan.maxBatch,
    });
    const member: Member = {
      process,
      processor,
      readers,
      store,
      leaving: false,
      ended: false,
      closed: false,
    };
    this.everybody.push(member);
    world.note(name, () => 'starts');
    processor.run().then(
      () => this.end(member),
      (error: unknown) => {
        this.end(member);
        this.fail(`${name} ended with: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  kill(): void {
    this.world.random.pick(this.running)?.process.kill();
  }

  pause(ms: number): void {
    this.world.random.pick(this.running)?.process.pause(ms);
  }

  /** Lets one finish what it has begun. */
  stop(member = this.world.random.pick(this.running)): void {
    if (member === undefined || member.leaving) return;
    member.leaving = true;
    this.world.note(member.process.name, () => 'is told to stop');
    void member.processor
      .stop()
      .then(() => member.store.close())
      .then(() => {
        member.closed = true;
      });
  }

  private end(member: Member): void {
    member.ended = true;
    this.world.note(member.process.name, () => 'ends');
  }
}
