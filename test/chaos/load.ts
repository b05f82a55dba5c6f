/** What the driver publishes: interactions and commands of four tenants, some twice, out of order, or refused. */

import { seededRandom } from '../../src/demo/random.js';
import { makePairId } from '../../src/trust/pair.js';
import type { PolicyDocument } from '../../src/trust/policies.js';

/** A message as the driver sends it. */
export interface Sent {
  readonly channel: 'interactions' | 'commands';
  readonly tenant: string;
  readonly pairId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Another for each message: the driver sends one again where it does not know whether the broker has it. */
  readonly sendId: string;
}

/** Recovers by decay within minutes; as it comes; by a cooldown of seconds; opens on a change for the worse. */
export const policies: PolicyDocument['policies'] = [
  { name: 'fast', match: { tenant: 'fast' }, trust: { threshold: 0.4, halfLifeSeconds: 600 } },
  {
    name: 'cool',
    match: { tenant: 'cool' },
    trust: { threshold: 0.45, halfLifeSeconds: 3_600, recoveryCooldownSeconds: 2 },
  },
  {
    name: 'sharp',
    match: { tenant: 'sharp' },
    trust: { opening: 'change', halfLifeSeconds: 3_600, recoveryCooldownSeconds: 2 },
  },
];

const tenants = ['fast', 'slow', 'cool', 'sharp'] as const;
/** How often the pairs of a tenant fail, at least and at most. */
const failingOf = { fast: [0.2, 0.8], slow: [0.2, 0.8], cool: [0.2, 0.8], sharp: [0.02, 0.5] } as const;

/** A pair remembers eight ids of its producers; those of one round are fewer, so that none is forgotten in it. */
const mostIdsOfPair = 4;
/** Of one batch, which is sent again as a whole where the driver does not know what the broker has of it. */
const mostOfPairInBatch = 4;

interface PairOfLoad {
  readonly tenant: (typeof tenants)[number];
  readonly agents: readonly [string, string];
  readonly pairId: string;
  /** How often its interactions fail. */
  readonly failing: number;
}

export interface LoadOptions {
  readonly seed: number;
  /** Pairs of each tenant that most events are of. @defaultValue 40 */
  readonly hotPairs?: number;
}

export class Load {
  private readonly random: () => number;
  private readonly hot: readonly PairOfLoad[];
  private readonly operated: readonly PairOfLoad[];
  private readonly twice: readonly PairOfLoad[];
  private readonly idsOfPair = new Map<PairOfLoad, number>();
  private readonly later: Sent[] = [];
  private count = 0;

  constructor({ seed, hotPairs = 40 }: LoadOptions) {
    this.random = seededRandom(seed);
    this.hot = this.pairs('agent', hotPairs);
    this.operated = this.pairs('operated:', 8);
    this.twice = this.pairs('zwilling-é', 200);
  }

  /** From here on, ids that were sent before are not sent again. All of them must have been applied. */
  beginRound(): void {
    this.later.length = 0;
    this.idsOfPair.clear();
  }

  batch(size: number, now: number): Sent[] {
    const batch: Sent[] = [];
    const ofPair = new Map<string, number>();
    while (batch.length < size) {
      const sent = this.one(now);
      const key = `${sent.tenant}/${sent.pairId}`;
      const known = ofPair.get(key) ?? 0;
      if (known >= mostOfPairInBatch) continue;
      ofPair.set(key, known + 1);
      batch.push(sent);
    }
    return batch;
  }

  private one(now: number): Sent {
    const dice = this.random();
    if (dice < 0.01) return this.command(now);
    if (dice < 0.015) return this.refused(now);
    if (dice < 0.07 && this.later.length > 0) return this.again();
    if (dice < 0.2) {
      const pair = this.pick(this.twice);
      const ids = this.idsOfPair.get(pair) ?? 0;
      if (ids < mostIdsOfPair) {
        this.idsOfPair.set(pair, ids + 1);
        const sent = this.interaction(pair, now, 'bare');
        this.later.push(sent);
        return sent;
      }
    }
    const pair = dice < 0.3 ? this.pick(this.operated) : this.pick(this.hot);
    const form = this.random();
    return this.interaction(pair, now, form < 0.4 ? 'bare' : form < 0.7 ? 'cloud' : 'nameless');
  }

  /** The same event again, as a producer does that heard nothing: another message. */
  private again(): Sent {
    const [sent] = this.later.splice(Math.floor(this.random() * this.later.length), 1);
    if (sent === undefined) throw new RangeError('there is nothing to send again');
    if (this.random() < 0.3) this.later.push(sent);
    return { ...sent, sendId: this.nextId() };
  }

  private interaction(pair: PairOfLoad, now: number, form: 'bare' | 'cloud' | 'nameless'): Sent {
    const [first, second] = this.random() < 0.5 ? pair.agents : [pair.agents[1], pair.agents[0]];
    const dice = this.random();
    const outcome = dice < pair.failing ? 'failure' : dice < pair.failing + 0.1 ? 'partial' : 'success';
    const weighty = this.random();
    const weight = weighty < 0.8 ? {} : { weight: weighty < 0.9 ? 0.5 : 2.5 };
    const data = { agent_a: first, agent_b: second, outcome, ...weight };
    const time = this.timeBefore(now);
    const id = this.nextId();
    switch (form) {
      case 'bare':
        return this.sent('interactions', pair, { tenant: pair.tenant, ...data, id, time });
      case 'nameless':
        return this.sent('interactions', pair, { tenant: pair.tenant, ...data, time });
      case 'cloud': {
        const event = {
          specversion: '1.0',
          id,
          source: 'chaos',
          type: 'fulcrum.trust.interaction.v1',
          time: new Date(time * 1_000).toISOString(),
          data: { tenant: pair.tenant, ...data },
        };
        return this.sent('interactions', pair, event, 'application/cloudevents+json');
      }
    }
  }

  /** Most as they happen, some seconds late, some a quarter of an hour. In whole ms. */
  private timeBefore(now: number): number {
    const dice = this.random();
    const reach = dice < 0.7 ? 0.05 : dice < 0.9 ? 10 : 900;
    return Math.round((now - reach * this.random()) * 1_000) / 1_000;
  }

  private command(now: number): Sent {
    const pair = this.pick(this.operated);
    const [agent_a, agent_b] = pair.agents;
    return this.sent('commands', pair, {
      tenant: pair.tenant,
      agent_a,
      agent_b,
      action: this.random() < 0.5 ? 'terminate' : 'reset',
      actor: 'chaos',
      reason: 'drill',
      id: this.nextId(),
      // Some come after a later one; no two are of one time.
      time: now - (this.random() < 0.2 ? 2 : 0.02) * this.random(),
    });
  }

  private refused(now: number): Sent {
    const pair = this.pick(this.hot);
    const [agent_a, agent_b] = pair.agents;
    const data = { tenant: pair.tenant, agent_a, agent_b, outcome: 'success' };
    const dice = this.random();
    if (dice < 0.3) return this.sent('interactions', pair, { ...data, outcome: 'splendid' });
    if (dice < 0.6) return this.sent('interactions', pair, { ...data, time: now + 3_600 });
    return { ...this.sent('interactions', pair, data), body: Buffer.from('{"agent_a": ') };
  }

  private sent(
    channel: Sent['channel'],
    { tenant, pairId }: PairOfLoad,
    value: object,
    contentType = 'application/json',
  ): Sent {
    const headers = { 'content-type': contentType };
    return {
      channel,
      tenant,
      pairId,
      headers,
      body: Buffer.from(JSON.stringify(value)),
      sendId: this.nextId(),
    };
  }

  private pairs(name: string, size: number): PairOfLoad[] {
    return tenants.flatMap((tenant) =>
      Array.from({ length: size }, (_, i) => {
        const agents = [`${name}${i}`, `${name}${(i * 7 + 1) % size}`] as const;
        const [least, most] = failingOf[tenant];
        const failing = least + (most - least) * this.random();
        return { tenant, agents, pairId: makePairId(...agents), failing };
      }),
    );
  }

  private pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random() * from.length)];
    if (picked === undefined) throw new RangeError('there is nothing to pick from');
    return picked;
  }

  private nextId(): string {
    return `e${++this.count}`;
  }
}
