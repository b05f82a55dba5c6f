import type { SourceMessage, SourceProgress, SourceStanding } from '../../../src/ports.js';
import type { Place, SimProcess } from '../process.js';
import type { World } from '../world.js';
import type { Consumer, ConsumerSettings, OnAcknowledged } from './consumer.js';
import type { Log, Logged } from './log.js';
import type { Reading } from './reader.js';

/** What one member does with one partition, from when it got it until the group is divided anew. */
interface Tenure {
  readonly log: Log;
  /** Up to where it was handed out. */
  position: number;
  /** Of what was handed out, what is not done with. */
  readonly open: Set<number>;
}

interface Member {
  readonly process: SimProcess;
  /** What the broker gave it. */
  assigned: readonly Tenure[];
  /** What it knows to have: it hears of a new division when it reads. */
  known: readonly Tenure[];
}

/**
 * A consumer group as Kafka has it: each partition is one member's, who commits how far it has done all of it. Whoever
 * joins, leaves or is silent for too long has the partitions divided anew, and reading goes on from what is committed.
 */
export class GroupConsumer implements Consumer {
  private readonly committed: Map<Log, number>;
  private members: readonly Member[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly world: World,
    private readonly place: Place,
    readonly logs: readonly Log[],
    private readonly settings: ConsumerSettings,
    private readonly onAcknowledged: OnAcknowledged,
  ) {
    this.committed = new Map(logs.map((log) => [log, 0]));
    for (const log of logs) log.listen(() => this.wake());
  }

  standing(): readonly SourceStanding[] {
    return this.logs.map((log) => {
      const acknowledged = this.committed.get(log) ?? 0;
      // What a group was handed and has not committed the broker does not know.
      return { source: log.source, acknowledged, last: log.last, delivered: acknowledged };
    });
  }

  join(process: SimProcess): Reading {
    const member: Member = { process, assigned: [], known: [] };
    let closed = false;
    return {
      name: `bus:${this.logs[0]?.channel}`,
      // What does not arrive is fetched again, from where the member stands.
      comesAgain: false,
      logs: () => this.logs.map(({ source }) => source),
      take: (most) => {
        if (!closed) this.enter(member);
        const taken = this.take(member, most);
        return {
          messages: taken.map(({ tenure, sequence }) => messageAt(tenure.log, sequence)),
          acknowledge: (done) => this.acknowledge(member, taken, done),
        };
      },
      wait: (wake) => {
        this.waiting.add(wake);
        return () => this.waiting.delete(wake);
      },
      progress: () => this.progress(member),
      close: () => {
        closed = true;
        // It waits a moment for what was handed out to be done with.
        this.world.after(leaveAfterMs, () => this.leave(member));
      },
    };
  }

  private enter(member: Member): void {
    if (!this.members.includes(member)) {
      this.divide([...this.members, member]);
      this.watch(member);
    }
    member.known = member.assigned;
  }

  private leave(member: Member): void {
    if (!this.members.includes(member)) return;
    this.divide(this.members.filter((other) => other !== member));
    member.assigned = [];
  }

  /** Sends a member away that has been silent for so long. */
  private watch(member: Member): void {
    this.world.after(this.settings.ackWaitMs, () => {
      if (!this.members.includes(member)) return;
      if (!member.process.alive || member.process.paused) this.leave(member);
      else this.watch(member);
    });
  }

  private divide(members: readonly Member[]): void {
    this.members = members;
    const tenures = this.logs.map(
      (log): Tenure => ({ log, position: this.committed.get(log) ?? 0, open: new Set() }),
    );
    const shift = this.world.random.whole(0, 1);
    members.forEach((member, m) => {
      member.assigned = tenures.filter((_, t) => (t + shift) % members.length === m);
    });
    const names = members.map(
      ({ process, assigned }) => `${process.name}: ${assigned.map(({ log }) => log.source)}`,
    );
    this.world.note(this.place.name, () => `divides anew: ${names.join('; ')}`);
    this.wake();
  }

  private take(
    member: Member,
    most: number,
  ): readonly { readonly tenure: Tenure; readonly sequence: number }[] {
    const taken: { readonly tenure: Tenure; readonly sequence: number }[] = [];
    for (const tenure of this.world.random.shuffle([...member.known]))
      while (taken.length < most && tenure.position < tenure.log.last) {
        tenure.position++;
        tenure.open.add(tenure.position);
        taken.push({ tenure, sequence: tenure.position });
      }
    return taken;
  }

  private acknowledge(
    member: Member,
    taken: readonly { readonly tenure: Tenure; readonly sequence: number }[],
    done: readonly SourceMessage[],
  ): void | Promise<void> {
    const { process } = member;
    for (const { position } of done)
      for (const { tenure, sequence } of taken)
        if (tenure.log.source === position.source && sequence === position.sequence)
          tenure.open.delete(sequence);
    const places = (): string =>
      done.map(({ position }) => `${position.source}/${position.sequence}`).join(' ');
    this.world.note(process.name, () => `is done with ${places()}`);
    // Most commits wait for the next one.
    if (this.world.random.chance(0.5)) return this.commit(member);
    process.after(this.world.random.between(0, 100), () => void this.commit(member).catch(() => {}));
  }

  /** Says how far all is done; refused, and no harm done, where the partition is another's by now. */
  private commit(member: Member): Promise<void> {
    const ends = member.known.map((tenure) => ({
      tenure,
      end: Math.min(tenure.position, ...[...tenure.open].map((sequence) => sequence - 1)),
    }));
    const what = `commit ${ends.map(({ tenure, end }) => `${tenure.log.source}/${end}`).join(' ')}`;
    return member.process.call(this.place, what, () => {
      for (const { tenure, end } of ends) if (member.assigned.includes(tenure)) this.raise(tenure.log, end);
    });
  }

  private raise(log: Log, end: number): void {
    for (let sequence = (this.committed.get(log) ?? 0) + 1; sequence <= end; sequence++) {
      this.committed.set(log, sequence);
      this.onAcknowledged(log, log.at(sequence) as Logged);
    }
  }

  /** Of the partitions that the member takes for its own. */
  private async progress(member: Member): Promise<readonly SourceProgress[]> {
    await this.commit(member).catch(() => {});
    const standing = await member.process.call(this.place, 'ask for the progress of the group', () =>
      this.standing(),
    );
    return member.known.map(({ log, position, open }): SourceProgress => {
      const { acknowledged = 0, last = 0 } = standing.find(({ source }) => source === log.source) ?? {};
      const first = Math.min(position + 1, ...open);
      const next = first > last ? null : messageAt(log, first);
      return { source: log.source, acknowledged, last: Math.max(last, position), next };
    });
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }
}

/** How long a member that is closed stays, so that its last acknowledgements are heard. */
const leaveAfterMs = 300;

function messageAt(log: Log, sequence: number): SourceMessage {
  return log.message(log.at(sequence) as Logged);
}
