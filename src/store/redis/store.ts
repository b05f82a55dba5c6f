import { FulcrumError } from '../../errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  DueRequest,
  LostTail,
  Outbox,
  Probes,
  SharedStore,
  SourceMark,
  StoreRules,
} from '../../ports.js';
import type { AnalysisStore } from '../../rlm/ports.js';
import { circuitStates } from '../../trust/circuit.js';
import { trustConfigKnobs } from '../../trust/config.js';
import { PolicyBook } from '../../trust/policies.js';
import type { Policy } from '../../trust/policy.js';
import type { Pair } from '../../trust/record.js';
import type { PairNames } from '../../trust/state.js';
import { packNames } from '../packed.js';
import { RedisAnalyses } from './analyses.js';
import { pairOf, readablePair, rejectionOf, stateOf, takeResults } from './answers.js';
import { applyCall, callId, packDoubles, policyArgs, withNames } from './batch.js';
import { Calls } from './calls.js';
import {
  type ConnectionListener,
  connectRedis,
  disconnect,
  type RedisConnection,
  unavailable,
} from './connection.js';
import { groupByPair, type PairEvents } from './grouping.js';
import { allShards, defaultPrefix, pairKey, shardKey, shardOf, splitMember } from './layout.js';
import { Marks } from './marks.js';
import { openMeta, readProcessor, registerProcessor } from './meta.js';
import { RedisOutbox } from './outbox.js';
import { SharedPolicies } from './policies.js';
import { RedisProbes } from './probes.js';
import { Rebuilding } from './rebuilding.js';
import { ServerClock } from './server-clock.js';
import type { ShardGroup } from './shards.js';
import { unpackTransition } from './transition.js';

/** Which Redis, and how the state lies in it. */
export interface RedisStoreOptions extends RedisConnection {
  /** What every key begins with. @defaultValue 'ft' */
  readonly prefix?: string;
  /** Fixed when the state is first made. @defaultValue what is there, or 16 */
  readonly shards?: number;
  /** Positions this far below the acknowledged one are no longer told apart. @defaultValue 1000000 */
  readonly replaySpan?: number;
  /** false: refuse a Redis that holds no trust state, or a shard without one. @defaultValue true */
  readonly create?: boolean;
  /** It is to be made anew by this process: refuse a Redis that holds trust state. @defaultValue false */
  readonly rebuilds?: boolean;
  /** Told of the connection's troubles. @defaultValue nobody */
  readonly onStatus?: ConnectionListener;
}

/** Pairs read at a time where all of them are looked at. */
const pageSize = 500;
/** How old what is known of registered processors may be, in ms. */
const metaMaxAgeMs = 1_000;

/**
 * Trust state in Redis, shared by any number of processes: each batch is one script, so it happens whole or not at
 * all. Standalone, Sentinel and Cluster. What cannot be done throws `unavailable` or `denied` and has changed nothing,
 * or, where the connection broke, may have been done: doing it again counts nothing twice.
 */
export class RedisStore implements SharedStore {
  readonly outbox: Outbox;
  /** Who may be the probe of a pair. @internal */
  readonly probes: Probes;
  /** The last analysis of each pair. @internal */
  readonly analyses: AnalysisStore;
  private registered: { readonly rules: StoreRules | null; readonly at: number };
  private readonly serverClock: ServerClock;
  private readonly relays: RedisOutbox;
  private readonly marked: Marks;

  private constructor(
    private readonly calls: Calls,
    options: RedisStoreOptions,
    /** @internal */
    readonly policies: SharedPolicies,
    /** What is to be known and said while it is made anew; null: it is not. @internal */
    readonly rebuilding: Rebuilding | null,
    rules: StoreRules | null,
  ) {
    this.registered = { rules, at: Date.now() };
    this.serverClock = new ServerClock(calls.client);
    this.relays = new RedisOutbox(calls);
    this.outbox = this.relays.port;
    this.analyses = new RedisAnalyses(calls);
    this.probes = new RedisProbes(calls.client, options.url, calls.layout.prefix);
    this.marked = new Marks(calls, {
      replaySpan: options.replaySpan ?? 1_000_000,
      beginsAfresh: options.create ?? true,
      rebuilds: options.rebuilds ?? false,
    });
  }

  /** Whether circuits of silent pairs recover by time here; what processors say, else true. */
  get timedRecovery(): boolean {
    return this.registered.rules?.timedRecovery ?? true;
  }

  /** @throws FulcrumError `config`, `denied`, `unavailable`, or `mismatch` when the state there is of another layout */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const listener = options.onStatus ?? (() => {});
    const client = await connectRedis(options, listener);
    try {
      const prefix = options.prefix ?? defaultPrefix;
      const { shards, processor } = await openMeta(client, {
        url: options.url,
        prefix,
        shards: options.shards ?? null,
        create: options.create ?? true,
        rebuilds: options.rebuilds ?? false,
      });
      const rules = processor === null ? null : { ...processor, streamed: true };
      const policies = new SharedPolicies(client, prefix, options.url);
      const calls = new Calls(client, { prefix, shards }, options.url, listener);
      const rebuilding = options.rebuilds === true ? await Rebuilding.of(calls) : null;
      const store = new RedisStore(calls, options, policies, rebuilding, rules);
      await store.serverClock.measure();
      return store;
    } catch (error) {
      disconnect(client);
      throw unavailable(options.url, error);
    }
  }

  /** Says that a processor works on this state: managers in other processes follow its rules from now on. */
  async register(timedRecovery: boolean): Promise<void> {
    await this.calls.ask(() => registerProcessor(this.calls.client, this.calls.layout.prefix, timedRecovery));
  }

  async apply(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
    for (const { policy } of batch.events)
      if (batch.policies[policy] === undefined) throw new RangeError(`the batch has no policy ${policy}`);
    const rules = await this.rulesOf(batch.rules);
    const policies = rules === batch.rules ? null : await this.fleetPolicies();
    const used: Policy[] = policies === null ? [...batch.policies] : [];
    const events = batch.events.map((event) => {
      const own = batch.policies[event.policy] as Policy;
      const policy = policies === null ? event.policy : used.push(agreed(policies, event, own)) - 1;
      return event.position === null && event.duplicateKey === null
        ? { ...event, policy, duplicateKey: callId() }
        : policies === null
          ? event
          : { ...event, policy };
    });
    const nowMs = this.serverClock.corrected(batch.nowMs);
    return this.applyEvents({ ...batch, events, rules, nowMs, policies: used });
  }

  async command(command: CommandToApply): Promise<CommandResult> {
    const { tenant, pairId } = command;
    const rules = await this.rulesOf(command.rules);
    const fleet = rules === command.rules ? null : await this.fleetPolicies();
    const policy = fleet === null ? command.policy : agreed(fleet, command, command.policy);
    const keys = this.keysOf(tenant, pairId);
    const flags =
      (rules.timedRecovery ? 1 : 0) |
      (rules.streamed ? 2 : 0) |
      (command.action === 'reset' ? 4 : 0) |
      (rules.publishes === false ? 8 : 0);
    const { time, takesEffectAt = time } = command;
    const head = Buffer.concat([
      Buffer.from([flags]),
      packDoubles([this.serverClock.corrected(command.nowMs), time, takesEffectAt]),
    ]);
    const names = packNames(command);
    const answer = await this.calls.run('command', {
      keys,
      args: [
        head,
        names,
        ...policyArgs(policy),
        command.eventId,
        command.traceparent ?? '',
        command.actor,
        command.reason,
      ],
    });
    const [kind, before, after, changes] = answer as [Buffer, Buffer, Buffer, Buffer[]];
    if (kind.toString() !== 'a') return rejectionOf(kind.toString(), pairId);
    return {
      kind: 'applied',
      before: stateOf(pairId, before),
      state: stateOf(pairId, after),
      transitions: changes.map((change) => unpackTransition(tenant, pairId, change).transition),
    };
  }

  async read(tenant: string, pairId: string): Promise<Pair | null> {
    const key = pairKey(this.calls.layout, shardOf(this.calls.layout, pairId), tenant, pairId);
    const value = await this.calls
      .ask(() => this.calls.client.getBuffer(key))
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.message.includes('WRONGTYPE'))) throw error;
        throw new FulcrumError('state_unreadable', `key ${key} is not of a pair: it holds another type`, {
          cause: error,
        });
      });
    return value === null ? null : pairOf(pairId, value);
  }

  async due(request: DueRequest): Promise<number> {
    let looked = 0;
    const lookAt = async (group: ShardGroup): Promise<void> => {
      for (const shard of group)
        if (looked < request.limit) looked += await this.dueOfShard(shard, request, request.limit - looked);
    };
    await this.calls.shards.inTurn(this.calls.groups, lookAt);
    return looked;
  }

  async announce(request: AnnounceRequest): Promise<AnnounceResult> {
    const { tenant, pairId, published, policy } = request;
    const head = Buffer.concat([
      Buffer.from([request.timedRecovery ? 1 : 0, circuitStates.indexOf(published.to)]),
      packDoubles([published.transition, this.serverClock.corrected(request.nowMs)]),
    ]);
    const answer = await this.calls.run('announce', {
      keys: this.keysOf(tenant, pairId),
      args: [head, packNames(request), ...policyArgs(policy)],
    });
    const [kind, changes] = answer as [Buffer, Buffer[]];
    if (kind.toString() !== 'a') return rejectionOf(kind.toString(), pairId);
    const [change] = changes;
    if (change === undefined) return { kind: 'agreed' };
    return { kind: 'announced', transition: unpackTransition(tenant, pairId, change).transition };
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    for (const shard of allShards(this.calls.layout)) {
      const key = shardKey(this.calls.layout, shard, 'due');
      const members = await this.calls.ask(() => this.calls.client.zrange(key, '0', '-1'));
      for (let from = 0; from < members.length; from += pageSize)
        for (const { tenant, pair } of await this.readAll(shard, members.slice(from, from + pageSize)))
          if (pair?.state != null && pair.state.circuitState !== 'CLOSED') yield { tenant, pair };
    }
  }

  async mark(marks: readonly SourceMark[]): Promise<LostTail | null> {
    await this.calls.askAny(() => this.serverClock.measure());
    return this.marked.write(marks, this.serverClock.corrected(Date.now()) / 1_000);
  }

  adopt(tail: LostTail): Promise<boolean> {
    return this.marked.adopt(tail);
  }

  marks(): Promise<readonly SourceMark[]> {
    return this.marked.read();
  }

  /** Forgets a source that comes no more, its marks and which of its positions were applied. */
  forget(source: string): Promise<void> {
    return this.marked.forget(source);
  }

  /** Whether it is this process that publishes what circuits do: it takes that on where nobody has. */
  leads(): Promise<boolean> {
    return this.relays.leads();
  }

  async close(): Promise<void> {
    if (!this.calls.end()) return;
    await this.relays.release().catch(() => {});
    disconnect(this.calls.client);
  }

  /**
   * By what rules a call is done. Without a log (a manager in an agent's own process) they are the manager's own,
   * until a processor works on this state too: then they are the processor's, and it publishes what comes of them.
   */
  private async rulesOf(rules: StoreRules): Promise<StoreRules> {
    if (rules.streamed) return rules;
    if (Date.now() - this.registered.at > metaMaxAgeMs) {
      const processor = await this.calls.ask(() =>
        readProcessor(this.calls.client, { url: this.calls.url, prefix: this.calls.layout.prefix }),
      );
      this.registered = {
        rules: processor === null ? null : { ...processor, streamed: true },
        at: Date.now(),
      };
    }
    return this.registered.rules ?? rules;
  }

  /** Outbox, due times and the pair itself, as the scripts about one pair take them. */
  private keysOf(tenant: string, pairId: string): string[] {
    const { layout } = this.calls;
    const shard = shardOf(layout, pairId);
    return [
      shardKey(layout, shard, 'outbox'),
      shardKey(layout, shard, 'due'),
      pairKey(layout, shard, tenant, pairId),
    ];
  }

  private async fleetPolicies(): Promise<PolicyBook> {
    return (await this.calls.ask(() => this.policies.read()))?.book ?? defaultPolicies;
  }

  private async applyEvents(batch: ApplyBatch): Promise<ApplyResult[]> {
    const results: ApplyResult[] = new Array(batch.events.length);
    // What failed in one call holds back the rest of its shard: a pair's events keep their order.
    const held = new Map<number, FulcrumError>();
    for (const groups of groupByPair(batch.events)) await this.applyGroups(batch, groups, held, results);
    return results;
  }

  /** One call for each shard of a cluster, else one in all. */
  private async applyGroups(
    batch: ApplyBatch,
    groups: readonly PairEvents[],
    held: Map<number, FulcrumError>,
    results: ApplyResult[],
  ): Promise<void> {
    const calls = new Map<number, PairEvents[]>();
    for (const group of groups) {
      const call = this.calls.client.isCluster ? shardOf(this.calls.layout, group.first.pairId) : 0;
      const ofCall = calls.get(call);
      if (ofCall === undefined) calls.set(call, [group]);
      else ofCall.push(group);
    }
    const asked = [...calls.keys()].filter((call) => !held.has(call)).map((call) => [call]);
    const answers = await this.calls.shards.ask(asked, async ([call = 0]) => {
      const ofCall = calls.get(call) ?? [];
      const answer = await this.calls.run('apply', applyCall(this.calls.layout, batch, ofCall));
      takeResults(answer, batch.events, ofCall, results);
    });
    answers.forEach((answer, i) => {
      if ('error' in answer) held.set(asked[i]?.[0] ?? 0, answer.error);
    });
    for (const [call, error] of held)
      for (const { indexes } of calls.get(call) ?? [])
        for (const index of indexes) results[index] = { kind: 'failed', error };
  }

  private async dueOfShard(shard: number, request: DueRequest, limit: number): Promise<number> {
    const { layout } = this.calls;
    const dueKey = shardKey(layout, shard, 'due');
    const members = await this.calls.ask(() =>
      this.calls.client.zrangebyscore(dueKey, '-inf', request.until, 'LIMIT', 0, limit),
    );
    if (members.length === 0) return 0;
    const policies: Policy[] = [];
    const keys = [shardKey(layout, shard, 'outbox'), dueKey];
    const names: Buffer[] = [];
    for (const { tenant, pairId, pair } of await this.readAll(shard, members)) {
      keys.push(pairKey(layout, shard, tenant, pairId));
      if (pair === null) names.push(...withNames(1, { agentA: '', agentB: '' }));
      else {
        const policy = request.policyOf(tenant, pair.agentA, pair.agentB);
        const index = policies.includes(policy) ? policies.indexOf(policy) : policies.push(policy) - 1;
        names.push(...withNames(index + 1, pair));
      }
    }
    const times = packDoubles([this.serverClock.corrected(request.nowMs), request.until]);
    const head = Buffer.concat([times, Buffer.from([request.publishes === false ? 1 : 0])]);
    await this.calls.run('due', {
      keys,
      args: [head, Buffer.concat(names), ...policies.flatMap(policyArgs)],
    });
    return members.length;
  }

  /** The pairs of members of `due`; null for what is gone or cannot be read. */
  private async readAll(shard: number, members: readonly string[]) {
    if (members.length === 0) return [];
    const places = members.map(splitMember);
    const keys = places.map(({ tenant, pairId }) => pairKey(this.calls.layout, shard, tenant, pairId));
    const values = await this.calls.ask(() => this.calls.client.mgetBuffer(...keys));
    return places.map(({ tenant, pairId }, i) => {
      const value = values[i] ?? null;
      return { tenant, pairId, pair: value === null ? null : readablePair(pairId, value) } as
        | { tenant: string; pairId: string; pair: Pair }
        | { tenant: string; pairId: string; pair: null };
    });
  }
}

const defaultPolicies = new PolicyBook({ version: 0, default: {}, policies: [] });

/** The fleet's policy of a pair. @throws FulcrumError `mismatch` when a manager of its own config would do otherwise */
function agreed(book: PolicyBook, event: PairNames & { readonly tenant: string }, own: Policy): Policy {
  const policy = book.policyOf(event.tenant, event.agentA, event.agentB);
  for (const knob of trustConfigKnobs)
    if (policy.config[knob] !== own.config[knob])
      throw new FulcrumError(
        'mismatch',
        `the config of this manager differs from policy ${policy.name}, which the fleet's processors follow for ` +
          `${event.agentA} and ${event.agentB}: ${knob} is ${own.config[knob]} here and ${policy.config[knob]} there`,
      );
  return policy;
}
