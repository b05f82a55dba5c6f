import fc from 'fast-check';
import { expect, it } from 'vitest';
import type {
  AnnounceResult,
  ApplyResult,
  CommandResult,
  CommandToApply,
  InteractionToApply,
  OutboxEntry,
  StoreRules,
  TrustStore,
} from '../../../src/ports.js';
import { circuitStates } from '../../../src/trust/circuit.js';
import { trustOutcomes } from '../../../src/trust/outcome.js';
import { makePairId } from '../../../src/trust/pair.js';
import type { Policy } from '../../../src/trust/policy.js';
import type { PairNames } from '../../../src/trust/state.js';
import { batch, command, day, interaction, outboxOf, policy, start } from './given.js';
import { StoreModel, type Told } from './model.js';
import type { StoreUnderTest } from './under-test.js';

const tenants = ['default', 'other'];
const agents = ['a', 'b', 'c', 'ü:💥'];
const sources = ['log', 'log:1'];
const replaySpan = 40;
const onChange = { opening: 'change', recoveryCooldownSeconds: 1_800, evidence: 100 } as const;
const policies = [
  policy(),
  policy({ recoveryCooldownSeconds: 1_800, halfLifeSeconds: 3_600 }, 'cooldown'),
  policy({ threshold: 0.45, alphaMax: 3, halfLifeSeconds: 7_200 }, 'capped'),
  policy({ threshold: 0.6, alphaPrior: 2, betaPrior: 3, halfLifeSeconds: Infinity }, 'never'),
  policy({ ...onChange, halfLifeSeconds: 3_600, memory: 3 }, 'change'),
  policy({ ...onChange, memory: 5, probes: 'leased' }, 'leased-change'),
  policy({ recoveryCooldownSeconds: 900, halfLifeSeconds: 3_600, probes: 'leased' }, 'leased'),
];
/** Stories are of many policies at once, or of a few that they go back and forth between. */
const policySets = [
  policies,
  policies.filter(({ config }) => config.opening === 'change'),
  policies.filter(({ name }) => name === 'cooldown' || name === 'change'),
  policies.filter(({ config }) => config.probes === 'leased'),
];
const rules: StoreRules[] = [
  { streamed: true, timedRecovery: true },
  { streamed: true, timedRecovery: false },
  { streamed: true, timedRecovery: true, publishes: false },
  { streamed: false, timedRecovery: false },
];

const pairIds = [...new Set(agents.flatMap((a) => agents.map((b) => makePairId(a, b))))];

/** Mostly on a grid, so that times tie and meet what is due; sometimes with a fraction. */
const time = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => start + n * 600) },
  { weight: 1, arbitrary: fc.double({ min: start, max: start + day, noNaN: true }) },
);
const nowMs = fc.integer({ min: 0, max: day }).map((n) => (start + n) * 1_000);
const names = fc.record({ agentA: fc.constantFrom(...agents), agentB: fc.constantFrom(...agents) });
const tenant = fc.constantFrom(...tenants);
const policyIndex = fc.nat(policies.length - 1);
const traceparent = fc.constantFrom(null, '00-trace');
/** Stands for the number of the pair's last transition before the call. */
const currentProbe = -1;
/** Now and then the id of some pair, for other agents. */
const strayId = fc.option(fc.constantFrom(...pairIds), { freq: 12 });

function astray<T extends PairNames>(made: T, pairId: string | null): T {
  return pairId === null ? made : { ...made, pairId, agentA: `stranger with ${pairId}` };
}

const event: fc.Arbitrary<InteractionToApply> = fc
  .record({
    tenant,
    names,
    strayId,
    time,
    outcome: fc.constantFrom(...trustOutcomes, 'failure' as const),
    details: fc.record({
      weight: fc.constantFrom(0.5, 1, 7),
      duplicateKey: fc.option(fc.constantFrom('1', '2', '3'), { freq: 3 }),
      position: fc.option(
        fc.record({ source: fc.constantFrom(...sources), sequence: fc.integer({ min: 1, max: 80 }) }),
      ),
      policy: policyIndex,
      traceparent,
      probe: fc.constantFrom(undefined, currentProbe, 1),
    }),
  })
  .map(({ tenant, names, strayId, time, outcome, details }) =>
    astray(interaction(outcome, time, { tenant, ...names, ...details }), strayId),
  );

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('apply' as const),
      events: fc.array(event, { maxLength: 12 }),
      nowMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('command' as const),
      action: fc.constantFrom('terminate' as const, 'reset' as const),
      tenant,
      names,
      strayId,
      time,
      takesEffectAt: fc.option(time, { freq: 2, nil: undefined }),
      policyIndex,
      traceparent,
      nowMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('announce' as const),
      tenant,
      names,
      strayId,
      published: fc.record({
        transition: fc.oneof(fc.constant(0), nowMs),
        to: fc.constantFrom(...circuitStates),
      }),
      policyIndex,
      timedRecovery: fc.boolean(),
      nowMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('due' as const),
      until: time,
      limit: fc.integer({ min: 1, max: 4 }),
      nowMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('publish' as const), count: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      seconds: fc.integer({ max: 30 * day, min: 0 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('mark' as const), acknowledged: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reopen' as const) }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** One store and the model, side by side. */
class Pairing {
  private now = start;
  private readonly clock = () => this.now;
  private readonly model = new StoreModel(this.clock, replaySpan);

  private constructor(
    private readonly under: StoreUnderTest,
    private readonly rules: StoreRules,
    private readonly policies: readonly Policy[],
  ) {}

  static async run(
    under: StoreUnderTest,
    rules: StoreRules,
    policies: readonly Policy[],
    operations: Operation[],
  ): Promise<void> {
    const pairing = new Pairing(under, rules, policies);
    let store = await under.open({ clock: pairing.clock, replaySpan });
    try {
      for (const operation of operations) {
        store = await pairing.perform(store, operation);
        await pairing.compare(store);
      }
    } finally {
      await store.close();
    }
  }

  private async perform(store: TrustStore, operation: Operation): Promise<TrustStore> {
    const { model, rules } = this;
    switch (operation.op) {
      case 'apply': {
        const { policies } = this;
        const sent = (rules.streamed ? operation.events : operation.events.map(withoutKey)).map((event) =>
          this.underPolicies(event),
        );
        const events = this.under.scattered === true ? sent.map(inOwnLog) : withOwnPositions(sent);
        const work = batch(events, { policies, rules, nowMs: operation.nowMs });
        expect(toldOf(await store.apply(work))).toEqual(model.apply(work));
        break;
      }
      case 'command': {
        const work = this.commandOf(operation);
        expect(toldOf([await store.command(work)])).toEqual([model.command(work)]);
        break;
      }
      case 'announce': {
        const { tenant, names, strayId, published, policyIndex, timedRecovery, nowMs } = operation;
        const { pairId, agentA, agentB } = astray(interaction('success', 0, names), strayId);
        const request = { tenant, pairId, agentA, agentB, published, timedRecovery, nowMs };
        const work = { ...request, policy: this.underPolicy(policyIndex) };
        expect(toldOf([await store.announce(work)])).toEqual([model.announce(work)]);
        break;
      }
      case 'due':
        await this.sweep(store, operation);
        break;
      case 'publish':
        await this.publish(store, operation.count);
        break;
      case 'wait':
        if (this.under.hasClock) this.now += operation.seconds;
        break;
      case 'mark':
        for (const source of this.under.scattered === true ? ownLogs : sources) {
          await store.mark([{ source, acknowledged: operation.acknowledged }]);
          model.mark(source, operation.acknowledged);
        }
        break;
      case 'reopen':
        return (await this.under.reopen?.(store, { clock: this.clock, replaySpan })) ?? store;
    }
    return store;
  }

  private underPolicy(index: number): Policy {
    return this.policies[index % this.policies.length] ?? policy();
  }

  private underPolicies(event: InteractionToApply): InteractionToApply {
    const { tenant, pairId, probe } = event;
    const current = probe === currentProbe ? (this.model.read(tenant, pairId)?.transition ?? 0) : probe;
    return { ...event, policy: event.policy % this.policies.length, probe: current };
  }

  private async publish(store: TrustStore, count: number): Promise<void> {
    const { model } = this;
    const entries = await store.outbox.read(count);
    await store.outbox.remove(entries);
    if (this.under.scattered !== true) model.outbox.splice(0, count);
    else {
      const published = new Set(entries.map(nameOf));
      model.outbox = model.outbox.filter((entry) => !published.has(nameOf(entry)));
    }
  }

  private commandOf(operation: Operation & { op: 'command' }): CommandToApply {
    const { action, time, tenant, names, strayId, takesEffectAt, policyIndex, traceparent, nowMs } =
      operation;
    const made = command(action, time, {
      tenant,
      ...names,
      policy: this.underPolicy(policyIndex),
      rules: this.rules,
      nowMs,
      traceparent,
      ...(takesEffectAt === undefined ? {} : { takesEffectAt }),
    });
    return astray(made, strayId);
  }

  /** Which pairs of one sweep come first is the store's choice, so their transitions are compared as a set. */
  private async sweep(store: TrustStore, { until, limit, nowMs }: Operation & { op: 'due' }): Promise<void> {
    const { model } = this;
    const waiting = model.outbox.length;
    const { publishes = true } = this.rules;
    const policyOf = (tenant: string, agentA: string, agentB: string) => {
      const ids = pairIds.filter((id) => {
        const pair = model.read(tenant, id);
        return pair !== null && pair.agentA === agentA && pair.agentB === agentB;
      });
      return model.policyOf(tenant, ids[0] ?? '');
    };
    for (let looked = limit; looked === limit; ) {
      looked = await store.due({ until, limit, policyOf, nowMs, publishes });
      expect(looked).toBeLessThanOrEqual(limit);
    }
    model.due(until, nowMs, publishes);
    if (this.under.scattered === true) return;
    const made = entriesOf(await outboxOf(store)).slice(waiting);
    expect(byPair(made)).toEqual(byPair(model.outbox.slice(waiting)));
    model.outbox = [...model.outbox.slice(0, waiting), ...made];
  }

  /** All that the port lets a caller see. */
  private async compare(store: TrustStore): Promise<void> {
    const { model } = this;
    for (const tenant of tenants)
      for (const id of pairIds) expect(await store.read(tenant, id)).toEqual(model.read(tenant, id));
    const circuits: { tenant: string; pair: unknown }[] = [];
    for await (const circuit of store.circuits()) circuits.push(circuit);
    const expected = model.circuits();
    expect(circuits).toHaveLength(expected.length);
    expect(circuits).toEqual(expect.arrayContaining(expected));
    const order = this.under.scattered === true ? byPair : (entries: readonly Entry[]) => entries;
    expect(order(entriesOf(await outboxOf(store)))).toEqual(order(model.outbox));
    const { lastApplied } = this.under;
    if (lastApplied !== undefined)
      for (const source of sources) expect(lastApplied(store, source)).toBe(model.lastApplied(source));
  }
}

/** Without a stream a reset may forget the ids of a pair's events with the pair; nobody sends them there. */
const withoutKey = (event: InteractionToApply): InteractionToApply => ({ ...event, duplicateKey: null });

/** A position is of one event: two pairs cannot be at the same one, and a store need not say which was there first. */
function withOwnPositions(events: readonly InteractionToApply[]): InteractionToApply[] {
  const pairAt = new Map<string, string>();
  return events.map((event) => {
    const { position, tenant, pairId, agentA, agentB } = event;
    if (position === null) return event;
    const pair = JSON.stringify([tenant, pairId, ...[agentA, agentB].sort()]);
    const place = `${position.source}/${position.sequence}`;
    const isOwn = (pairAt.get(place) ?? pair) === pair;
    pairAt.set(place, pair);
    return isOwn ? event : { ...event, position: null };
  });
}

/** A position is of one event; here each pair has positions of its own, since places do not know each other's. */
function inOwnLog(event: InteractionToApply): InteractionToApply {
  const { position, tenant, pairId } = event;
  return position === null
    ? event
    : { ...event, position: { ...position, source: ownLog(position.source, tenant, pairId) } };
}

const ownLog = (source: string, tenant: string, pairId: string): string => `${source}/${tenant}/${pairId}`;

const ownLogs = sources.flatMap((source) =>
  tenants.flatMap((tenant) => pairIds.map((pairId) => ownLog(source, tenant, pairId))),
);

type Entry = Omit<OutboxEntry, 'id'>;

const nameOf = ({ tenant, transition }: Entry): string =>
  `${tenant}/${transition.pairId}/${transition.transition}`;

/** In the order of pairs, each one's in their own. */
const byPair = (entries: readonly Entry[]): Entry[] => {
  const key = ({ tenant, transition }: Entry) => `${tenant}/${transition.pairId}`;
  return [...entries].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
};

const entriesOf = (entries: readonly OutboxEntry[]): Entry[] => entries.map(({ id: _, ...entry }) => entry);

const toldOf = (
  results: readonly (ApplyResult | CommandResult | AnnounceResult)[],
): (Told | AnnounceResult)[] =>
  results.map((result) =>
    result.kind === 'rejected' ? { kind: 'rejected', reason: result.reason } : result,
  );

export function agreesWithTheModel(under: StoreUnderTest): void {
  it('agrees with the pure functions, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...rules),
        fc.constantFrom(...policySets),
        fc.array(operation, { minLength: 1, maxLength: 30, size: 'max' }),
        (rules, policies, operations) => Pairing.run(under, rules, policies, operations),
      ),
      { seed: 20_240_501, numRuns: under.runs ?? 300 },
    );
  });
}
