import { Bus } from './bus/bus.js';
import { Fleet } from './fleet.js';
import type { Mistake } from './mistakes.js';
import type { Network } from './process.js';
import { calmNetwork } from './process.js';
import { Random } from './random.js';
import { StoreServer } from './store/server.js';
import { eventsOf, type Sent } from './story/events.js';
import { type Plan, planOf, type Trouble } from './story/plan.js';
import { verify } from './verify/verify.js';
import { Witness } from './verify/witness.js';
import { World } from './world.js';

export interface Result {
  readonly seed: number;
  readonly plan: Plan;
  /** What did not hold; empty when all did. */
  readonly broken: readonly string[];
  readonly steps: number;
  readonly simulatedMs: number;
}

export interface RunOptions {
  readonly mistake?: Mistake;
  /** Hears the story, one line each. */
  readonly tell?: (line: string) => void;
}

/** How long a healed fleet may take until it has nothing left to do, in simulated ms. */
const longestHealingMs = 60_000;

/** Runs one story from its beginning until all is quiet, and looks at what came of it. */
export async function runSeed(seed: number, { mistake, tell }: RunOptions = {}): Promise<Result> {
  // Whoever calls, all of it happens in the turns of promises.
  await null;
  const plan = planOf(seed);
  return new Run(seed, plan, mistake ?? null, tell ?? null).run();
}

class Run {
  private readonly world: World;
  private readonly bus: Bus;
  private readonly servers: StoreServer[];
  private readonly fleet: Fleet;
  private readonly witness: Witness;
  private readonly broken: string[] = [];
  private unsent: number;
  private ending = false;
  private lookedAtMs = 0;
  /** For how long the next relays sleep that find something to publish. */
  private readonly sleeps: number[] = [];
  private readonly sent: readonly Sent[];

  constructor(
    private readonly seed: number,
    private readonly plan: Plan,
    mistake: Mistake | null,
    tell: ((line: string) => void) | null,
  ) {
    const world = new World(seed + 1e9, tell);
    this.world = world;
    const rules = {
      replaySpan: plan.replaySpan,
      leaseMs: plan.leaseMs,
      generationMs: plan.generationMs,
      leases: true,
      floorAhead: 0,
      outboxApart: false,
      takesOver: false,
      ledger: <T>(ledger: T) => ledger,
      ...mistake?.server,
    };
    this.servers = Array.from({ length: plan.servers }, (_, i) => new StoreServer(world, `store${i}`, rules));
    const fail = (what: string): void => {
      this.broken.push(what);
      world.note('BROKEN', () => what);
    };
    this.witness = new Witness(world, this.servers, plan.harm > 0, fail);
    this.bus = new Bus(world, plan, this.witness);
    this.witness.deadLetters = () => this.bus.messages('dead-letters');
    this.fleet = new Fleet(world, plan, this.bus, this.servers, mistake, fail);
    this.sent = eventsOf(plan, new Random(seed + 2e9));
    this.unsent = this.sent.length;
  }

  async run(): Promise<Result> {
    const { plan, world, fleet, bus, servers, broken } = this;
    for (const place of [bus, ...servers]) Object.assign(place.network, networkOf(plan, place === bus));
    for (const server of servers) server.onRelay = (name) => this.putToSleep(name);
    for (let i = 0; i < plan.processors; i++) fleet.start();
    for (const sent of this.sent) world.after(sent.atMs, () => this.send(sent));
    for (const trouble of plan.troubles) world.after(trouble.atMs, () => this.make(trouble));
    await world.run(() => broken.length > 0, plan.lengthMs);
    this.heal();
    if (broken.length === 0 && !(await world.run(() => this.quiet() || broken.length > 0, longestHealingMs)))
      broken.push(`not quiet ${longestHealingMs} ms after the last fault: ${this.unrest().join('; ')}`);
    if (broken.length === 0) await this.stop();
    if (broken.length === 0) broken.push(...verify({ plan, bus, servers, fleet, nowSeconds: world.seconds }));
    return { seed: this.seed, plan, broken, steps: world.steps, simulatedMs: world.nowMs };
  }

  private send(sent: Sent): void {
    const { bus, world } = this;
    if (bus.away) {
      world.after(world.random.between(5, 50), () => this.send(sent));
      return;
    }
    this.unsent--;
    const logged = bus.append(sent, 'producer');
    world.note(
      'producer',
      () => `${sent.id} is ${sent.channel} ${logged?.sequence ?? 'a repeat'}: ${Buffer.from(sent.body)}`,
    );
  }

  private make(trouble: Trouble): void {
    const { fleet, world, bus, servers } = this;
    switch (trouble.kind) {
      case 'kill':
      case 'stop':
        fleet[trouble.kind]();
        world.after(trouble.backAfterMs, () => {
          if (!this.ending) fleet.start();
        });
        return;
      case 'pause':
        fleet.pause(trouble.forMs);
        return;
      case 'relay sleeps':
        this.sleeps.push(trouble.forMs);
        return;
      case 'bus away':
        this.takeAway(bus, trouble.forMs);
        return;
      case 'store away':
        this.takeAway(world.random.pick(servers) ?? bus, trouble.forMs);
        return;
      case 'store crash':
        world.random.pick(servers)?.crash(trouble.forMs, trouble.lostMs);
    }
  }

  private putToSleep(name: string): void {
    const forMs = this.sleeps.shift();
    const relay = this.fleet.running.find(({ process }) => process.name === name);
    if (forMs !== undefined) relay?.process.pause(forMs);
  }

  private takeAway(place: Bus | StoreServer, ms: number): void {
    place.away = true;
    this.world.note(place.name, () => 'is away');
    this.world.after(ms, () => {
      place.away = false;
      this.world.note(place.name, () => 'is back');
    });
  }

  /** From now on nothing more goes wrong; what is under way takes its course. */
  private heal(): void {
    const { bus, servers, fleet, world } = this;
    world.note('-', () => 'nothing more goes wrong');
    for (const place of [bus, ...servers]) Object.assign(place.network, calmNetwork());
    this.sleeps.length = 0;
    if (fleet.running.length === 0) fleet.start();
  }

  /** Looked at now and then: it is a matter of tens of ms at best. */
  private quiet(): boolean {
    const { nowMs } = this.world;
    if (nowMs < this.lookedAtMs + 10) return false;
    this.lookedAtMs = nowMs;
    return this.unrest().length === 0;
  }

  /** What there is still to do. */
  private unrest(): string[] {
    const { bus, servers, fleet, world, unsent } = this;
    const unrest: string[] = [];
    if (unsent > 0) unrest.push(`${unsent} events not sent`);
    for (const { source, acknowledged, last } of Object.values(bus.consumers).flatMap((one) =>
      one.standing(),
    ))
      if (acknowledged < last) unrest.push(`${source} is acknowledged up to ${acknowledged} of ${last}`);
    for (const { source, acknowledged } of bus.consumers.interactions.standing())
      if (servers.some((server) => server.markOf(source) < acknowledged))
        unrest.push(`${source} is acknowledged up to ${acknowledged}, and not marked so`);
    for (const { name, away } of [bus, ...servers]) if (away) unrest.push(`${name} is away`);
    for (const { name, relay } of servers)
      if (relay !== null && !fleet.running.some(({ process }) => process.name === relay))
        unrest.push(`${relay} is gone and has the relay of ${name}`);
    for (const server of servers) {
      if (server.outbox.size > 0)
        unrest.push(`${server.outbox.size} entries in the outbox of ${server.name}`);
      for (const [pair, { dueAt }] of server.pairs.entries())
        if (dueAt !== null && dueAt < world.seconds - 3) unrest.push(`${pair} was due at ${dueAt}`);
    }
    for (const { name, adopted } of servers)
      if (!adopted) unrest.push(`what ${name} lost is not brought back`);
    for (const { process, store } of fleet.running)
      if (!store.upToDate) unrest.push(`${process.name} has not marked all servers since they changed`);
    if (fleet.running.length === 0) unrest.push('no processor runs');
    for (const { process, processor } of fleet.running)
      if (processor.troubled.length > 0) unrest.push(`${process.name} cannot ${processor.troubled}`);
    return unrest;
  }

  private async stop(): Promise<void> {
    const { fleet, world, broken } = this;
    this.ending = true;
    if (fleet.running.every(({ leaving }) => leaving)) fleet.start();
    const last = fleet.running.find(({ leaving }) => !leaving);
    const others = fleet.running.filter((member) => member !== last);
    // What several that stop at once leave in the outbox is the next one's: here the last one's.
    for (const leaving of [others, last === undefined ? [] : [last]]) {
      for (const member of leaving) fleet.stop(member);
      const left = (): boolean =>
        leaving.every(({ closed }) => closed) && (leaving !== others || this.quiet());
      if (!(await world.run(left, longestHealingMs)))
        broken.push(
          `${leaving.filter(({ ended }) => !ended).map(({ process }) => process.name)} did not stop`,
        );
    }
  }
}

function networkOf({ harm, slow }: Plan, isBus: boolean): Network {
  return {
    lostRequest: harm,
    lostAnswer: harm,
    lateRequest: isBus ? 0 : harm,
    slow,
    slowMs: 150,
    timeoutMs: 400,
  };
}
