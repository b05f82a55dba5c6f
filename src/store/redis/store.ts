import { randomUUID } from 'node:crypto';
import { FulcrumError } from '../../errors.js';
import type {
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  DueRequest,
  OutboxEntry,
  Probes,
  SharedStore,
  SourceMark,
  StoreRules,
} from '../../ports.js';
import { trustConfigKnobs } from '../../trust/config.js';
import { PolicyBook } from '../../trust/policies.js';
import type { Policy } from '../../trust/policy.js';
import type { Pair } from '../../trust/record.js';
import type { PairNames } from '../../trust/state.js';
import { packNames } from '../packed.js';
import { pairOf, readablePair, rejectionOf, stateOf, takeResults } from './answers.js';
import { applyCall, callId, packDoubles, policyArgs, type ScriptCall, withNames } from './batch.js';
import {
  type ConnectionListener,
  connectRedis,
  nameOf,
  type RedisClient,
  type RedisConnection,
  unavailable,
} from './connection.js';
import { groupByPair, type PairEvents } from './grouping.js';
import {
  allShards,
  defaultPrefix,
  floorKey,
  type Layout,
  pairKey,
  seenPrefix,
  shardKey,
  shardOf,
  splitMember,
} from './layout.js';
import { openMeta, readProcessor, registerProcessor } from './meta.js';
import { type OutboxRow, toEntries } from './outbox.js';
import { SharedPolicies } from './policies.js';
import { RedisProbes } from './probes.js';
import { Rights } from './rights.js';
import { runScript, type ScriptName, type ScriptValue } from './scripts.js';
import { ServerClock } from './server-clock.js';
import { doAll, type ShardGroup, Shards } from './shards.js';
import { unpackTransition } from './transition.js';

export interface RedisStoreOptions extends RedisConnection {
  /** What every key begins with. @defaultValue 'ft' */
  readonly prefix?: string;
  /** Fixed when the state is first made. @defaultValue what is there, or 16 */
  readonly shards?: number;
  /** Positions this far below the acknowledged one are no longer told apart. @defaultValue 1000000 */
  readonly replaySpan?: number;
  /** false: refuse a Redis that holds no trust state. @defaultValue true */
  readonly create?: boolean;
  /** Told of the connection's troubles, and of a restart of Redis. @defaultValue nobody */
  readonly onStatus?: ConnectionListener;
}

/** How long the relay of a shard is this process's without a renewal, in ms. */
export const leaseMs = 5_000;
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
  private readonly owner = randomUUID();
  private readonly replaySpan: number;
  private registered: { readonly rules: StoreRules | null; readonly at: number };
  private readonly serverClock: ServerClock;
  private readonly shards: Shards;
  private readonly rights: Rights;
  private isOpen = true;

  private constructor(
    private readonly client: RedisClient,
    private readonly options: RedisStoreOptions,
    private readonly layout: Layout,
    readonly policies: SharedPolicies,
    rules: StoreRules | null,
  ) {
    this.replaySpan = options.replaySpan ?? 1_000_000;
    this.registered = { rules, at: Date.now() };
    this.serverClock = new ServerClock(client);
    this.shards = new Shards(options.onStatus ?? (() => {}));
    this.rights = new Rights(client, options.url);
  }

  /** Who may be the probe of a pair. */
  get probes(): Probes {
    return new RedisProbes(this.client, this.options.url, this.layout.prefix);
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
      });
      const rules = processor === null ? null : { ...processor, streamed: true };
      const policies = new SharedPolicies(client, prefix, options.url);
      const store = new RedisStore(client, options, { prefix, shards }, policies, rules);
      await store.serverClock.measure();
      return store;
    } catch (error) {
      client.disconnect();
      throw unavailable(options.url, error);
    }
  }

  /** Says that a processor works on this state: managers in other processes follow its rules from now on. */
  async register(timedRecovery: boolean): Promise<void> {
    await this.ask(() => registerProcessor(this.client, this.layout.prefix, timedRecovery));
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
    const shard = shardOf(this.layout, pairId);
    const keys = [
      shardKey(this.layout, shard, 'outbox'),
      shardKey(this.layout, shard, 'due'),
      pairKey(this.layout, shard, tenant, pairId),
    ];
    const flags =
      (rules.timedRecovery ? 1 : 0) | (rules.streamed ? 2 : 0) | (command.action === 'reset' ? 4 : 0);
    const head = Buffer.concat([
      Buffer.from([flags]),
      packDoubles([this.serverClock.corrected(command.nowMs), command.time]),
    ]);
    const names = packNames(command);
    const answer = await this.run('command', {
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
    const key = pairKey(this.layout, shardOf(this.layout, pairId), tenant, pairId);
    const value = await this.ask(() => this.client.getBuffer(key)).catch((error: unknown) => {
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
    await this.shards.inTurn(this.calls(allShards(this.layout)), lookAt);
    return looked;
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    for (const shard of allShards(this.layout)) {
      const key = shardKey(this.layout, shard, 'due');
      const members = await this.ask(() => this.client.zrange(key, '0', '-1'));
      for (let from = 0; from < members.length; from += pageSize)
        for (const { tenant, pair } of await this.readAll(shard, members.slice(from, from + pageSize)))
          if (pair?.state != null && pair.state.circuitState !== 'CLOSED') yield { tenant, pair };
    }
  }

  readonly outbox = {
    read: async (limit: number): Promise<readonly OutboxEntry[]> => {
      const answers = await this.shards.some(this.calls(allShards(this.layout)), async (shards) => {
        const answer = await this.readOutbox(shards, limit);
        return shards.flatMap((shard, i) => toEntries(shard, answer[i] ?? 0));
      });
      return answers.flat();
    },
    remove: async (entries: readonly OutboxEntry[]): Promise<void> => {
      const byShard = new Map<number, string[]>();
      for (const { id } of entries) {
        const [shard = '', entry = ''] = id.split('/');
        byShard.set(Number(shard), [...(byShard.get(Number(shard)) ?? []), entry]);
      }
      await doAll([...byShard], ([shard, ids]) =>
        this.ask(() => this.client.xdel(shardKey(this.layout, shard, 'outbox'), ...ids)),
      );
    },
  };

  async mark(marks: readonly SourceMark[]): Promise<void> {
    if (marks.length === 0) return;
    await this.ask(() => this.serverClock.measure());
    const refused: number[] = [];
    const write = (shards: readonly number[], takeOver: boolean) =>
      this.shards.some(this.calls(shards), (group) =>
        doAll(group, async (shard) => {
          if (!(await this.markShard(shard, marks, takeOver))) refused.push(shard);
        }),
      );
    await write(allShards(this.layout), false);
    if (refused.length === 0) return;
    this.options.onStatus?.(
      `${nameOf(this.options.url)} was restarted or failed over: what it lost of its last writes is not read again`,
      'warn',
    );
    await write(refused, true);
  }

  async marks(): Promise<readonly SourceMark[]> {
    // Every shard has them all; one that was away for a while is behind, which is no harm.
    const fields = await this.shards.first(this.calls(allShards(this.layout)), ([shard = 0]) =>
      this.ask(() => this.client.hgetall(shardKey(this.layout, shard, 'mark'))),
    );
    return Object.entries(fields).flatMap(([field, value]) => {
      const source = /^acknowledged:(.*)$/s.exec(field)?.[1];
      if (source === undefined) return [];
      const readTo = fields[`read_to:${source}`];
      return [
        { source, acknowledged: Number(value), ...(readTo === undefined ? {} : { readTo: Number(readTo) }) },
      ];
    });
  }

  /**
   * Takes the leases of all relays, if nobody has them: whether it is this process that publishes what circuits do.
   * It stays so while the outbox is read.
   */
  async leads(): Promise<boolean> {
    const groups = this.calls(allShards(this.layout));
    const answers = await Promise.all(groups.map((shards) => this.readOutbox(shards, 1)));
    return answers.flat().every((rows) => rows !== 0);
  }

  /** Forgets a source that comes no more, its marks and which of its positions were applied. */
  async forget(source: string): Promise<void> {
    await doAll(allShards(this.layout), (shard) =>
      this.run('forget', {
        keys: [shardKey(this.layout, shard, 'mark'), floorKey(this.layout, shard, source)],
        args: [source, seenPrefix(this.layout, shard, source)],
      }),
    );
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    const own = allShards(this.layout).map((shard) => shardKey(this.layout, shard, 'relay'));
    // The next relay need not wait for the leases to lapse.
    await doAll(own, async (key) => {
      if ((await this.client.get(key)) === this.owner) await this.client.del(key);
    }).catch(() => {});
    this.client.disconnect();
  }

  /**
   * By what rules a call is done. Without a log (a manager in an agent's own process) they are the manager's own,
   * until a processor works on this state too: then they are the processor's, and it publishes what comes of them.
   */
  private async rulesOf(rules: StoreRules): Promise<StoreRules> {
    if (rules.streamed) return rules;
    if (Date.now() - this.registered.at > metaMaxAgeMs) {
      const processor = await this.ask(() => readProcessor(this.client, this.layout.prefix));
      this.registered = {
        rules: processor === null ? null : { ...processor, streamed: true },
        at: Date.now(),
      };
    }
    return this.registered.rules ?? rules;
  }

  private async fleetPolicies(): Promise<PolicyBook> {
    return (await this.ask(() => this.policies.read()))?.book ?? defaultPolicies;
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
      const call = this.client.isCluster ? shardOf(this.layout, group.first.pairId) : 0;
      const ofCall = calls.get(call);
      if (ofCall === undefined) calls.set(call, [group]);
      else ofCall.push(group);
    }
    const asked = [...calls.keys()].filter((call) => !held.has(call)).map((call) => [call]);
    const answers = await this.shards.ask(asked, async ([call = 0]) => {
      const ofCall = calls.get(call) ?? [];
      const answer = await this.run('apply', applyCall(this.layout, batch, ofCall));
      takeResults(answer, batch.events, ofCall, results);
    });
    answers.forEach((answer, i) => {
      if ('error' in answer) held.set(asked[i]?.[0] ?? 0, answer.error);
    });
    for (const [call, error] of held)
      for (const { indexes } of calls.get(call) ?? [])
        for (const index of indexes) results[index] = { kind: 'failed', error };
  }

  /** Shards that one call may be about: all of them, but for a cluster. */
  private calls(shards: readonly number[]): readonly ShardGroup[] {
    return this.client.isCluster ? shards.map((shard) => [shard]) : [shards];
  }

  private async dueOfShard(shard: number, request: DueRequest, limit: number): Promise<number> {
    const { layout } = this;
    const dueKey = shardKey(layout, shard, 'due');
    const members = await this.ask(() =>
      this.client.zrangebyscore(dueKey, '-inf', request.until, 'LIMIT', 0, limit),
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
    const head = packDoubles([this.serverClock.corrected(request.nowMs), request.until]);
    await this.run('due', { keys, args: [head, Buffer.concat(names), ...policies.flatMap(policyArgs)] });
    return members.length;
  }

  /** For each shard what is to be published, or 0 where that is another process's to do. */
  private async readOutbox(shards: readonly number[], limit: number): Promise<(OutboxRow[] | number)[]> {
    const keys = shards.flatMap((shard) => [
      shardKey(this.layout, shard, 'relay'),
      shardKey(this.layout, shard, 'outbox'),
    ]);
    const answer = await this.run('relay', { keys, args: [this.owner, leaseMs, limit] });
    return answer as (OutboxRow[] | number)[];
  }

  /** The pairs of members of `due`; null for what is gone or cannot be read. */
  private async readAll(shard: number, members: readonly string[]) {
    if (members.length === 0) return [];
    const places = members.map(splitMember);
    const keys = places.map(({ tenant, pairId }) => pairKey(this.layout, shard, tenant, pairId));
    const values = await this.ask(() => this.client.mgetBuffer(...keys));
    return places.map(({ tenant, pairId }, i) => {
      const value = values[i] ?? null;
      return { tenant, pairId, pair: value === null ? null : readablePair(pairId, value) } as
        | { tenant: string; pairId: string; pair: Pair }
        | { tenant: string; pairId: string; pair: null };
    });
  }

  private async markShard(shard: number, marks: readonly SourceMark[], takeOver: boolean): Promise<boolean> {
    const { layout } = this;
    const keys = [
      shardKey(layout, shard, 'mark'),
      ...marks.map(({ source }) => floorKey(layout, shard, source)),
    ];
    const args: ScriptValue[] = [this.replaySpan, takeOver ? 1 : 0];
    for (const { source, acknowledged, readTo } of marks)
      args.push(source, acknowledged, readTo ?? '', seenPrefix(layout, shard, source));
    return (await this.run('mark', { keys, args })) === 1;
  }

  private run(name: ScriptName, { keys, args }: ScriptCall): Promise<unknown> {
    return this.ask(async () => {
      await this.rights.check(keys);
      return runScript(this.client, name, keys, args);
    });
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isOpen) throw new FulcrumError('store_closed', 'the Redis store is closed');
    try {
      return await work();
    } catch (error) {
      throw unavailable(this.options.url, error);
    }
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
