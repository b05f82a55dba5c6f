/**
 * What every pair has to be, worked out anew from the input logs with the pure model: operators' commands first, as
 * `rebuild` takes them, then the interactions in the order of the logs.
 */

import { RecentKeys } from '../../src/store/recent-keys.js';
import { applyCommand, type CommandAction } from '../../src/trust/command.js';
import { type TrustOutcome, trustOutcomes } from '../../src/trust/outcome.js';
import { makePairId } from '../../src/trust/pair.js';
import type { PolicyBook } from '../../src/trust/policies.js';
import type { Policy } from '../../src/trust/policy.js';
import { isSuperseded, type Pair, unknownPair } from '../../src/trust/record.js';
import { applyInteraction, type Interaction } from '../../src/trust/step.js';
import type { LogRecord } from './broker.js';

/** Later than what the broker says by more than this, an event is refused; in seconds. */
const maxFutureSeconds = 300;
/** More than the ids of one pair that the driver sends before it sends one of them again. */
const idsOfPair = 64;
const rules = { timedRecovery: true, nowMs: 0 };

interface InputOfPair {
  readonly tenant: string;
  readonly agents: readonly [string, string];
  readonly commands: ReadCommand[];
  readonly interactions: Interactions;
  /** Ids that its producers gave lately: no id is sent again after so many others of its pair. */
  readonly ids: RecentKeys;
}

interface ReadCommand {
  readonly id: string;
  readonly action: CommandAction;
  readonly time: number;
}

/** Interactions of one pair in the order of the logs, packed: a soak has many millions of them. */
class Interactions {
  length = 0;
  private times = new Float64Array(16);
  private weights = new Float32Array(16);
  private outcomes = new Uint8Array(16);

  add({ outcome, time, weight }: Interaction): void {
    if (this.length === this.times.length) {
      const size = 2 * this.length;
      this.times = grown(this.times, new Float64Array(size));
      this.weights = grown(this.weights, new Float32Array(size));
      this.outcomes = grown(this.outcomes, new Uint8Array(size));
    }
    this.times[this.length] = time;
    // Exact: the driver's are multiples of a half.
    this.weights[this.length] = weight;
    this.outcomes[this.length] = trustOutcomes.indexOf(outcome);
    this.length++;
  }

  at(index: number): Interaction {
    return {
      time: this.times[index] ?? Number.NaN,
      weight: this.weights[index] ?? Number.NaN,
      outcome: trustOutcomes[this.outcomes[index] ?? 0] as TrustOutcome,
    };
  }
}

function grown<T extends Float64Array | Float32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The fields of the driver's events that are read here, whichever form they came in. */
interface Fields {
  readonly tenant: string;
  readonly agent_a: string;
  readonly agent_b: string;
  readonly outcome?: string;
  readonly weight?: number;
  readonly action?: CommandAction;
}

export class Reference {
  private readonly pairs = new Map<string, InputOfPair>();
  /** Interactions that have to count, be it that a reset took them away later. */
  accepted = 0;
  /** Sent again by their producer, at another position. */
  duplicates = 0;
  refused = 0;
  commands = 0;

  constructor(private readonly policies: PolicyBook) {}

  /** `<tenant>/<pair id>` of all pairs that the logs name. */
  get keys(): Iterable<string> {
    return this.pairs.keys();
  }

  addInteraction(record: LogRecord): void {
    const event = opened(record);
    const time = event?.time ?? record.receivedAt;
    const outcome = event?.fields.outcome;
    if (
      event === null ||
      !trustOutcomes.includes(outcome as TrustOutcome) ||
      time > record.receivedAt + maxFutureSeconds
    ) {
      this.refused++;
      return;
    }
    const pair = this.pairOf(event.fields);
    if (event.id !== null && pair.ids.has(event.id)) {
      this.duplicates++;
      return;
    }
    if (event.id !== null) pair.ids.add(event.id);
    this.accepted++;
    pair.interactions.add({ outcome: outcome as TrustOutcome, time, weight: event.fields.weight ?? 1 });
  }

  addCommand(record: LogRecord): void {
    const event = opened(record);
    const { action } = event?.fields ?? {};
    if (event === null || action === undefined || event.id === null || event.time === null)
      throw new Error(`the driver sent a command that it cannot read: ${Buffer.from(record.body)}`);
    this.commands++;
    this.pairOf(event.fields).commands.push({ id: event.id, action, time: event.time });
  }

  policyOf(key: string): Policy {
    const { tenant, agents } = this.inputOf(key);
    return this.policies.policyOf(tenant, ...agents);
  }

  /**
   * @param tookEffectAt when a reset took effect, by the id of its command: the `occurred_at` of its circuit event
   * @param resets of which it holds: of all, or of the last by their own time
   */
  pair(key: string, tookEffectAt: ReadonlyMap<string, number>, resets: 'all' | 'last' = 'all'): Pair {
    const { agents, commands, interactions } = this.inputOf(key);
    const policy = this.policyOf(key);
    const [agentA, agentB] = agents;
    let pair = unknownPair({ pairId: makePairId(agentA, agentB), agentA, agentB });
    const holdsFrom =
      resets === 'all'
        ? Number.NEGATIVE_INFINITY
        : lastTime(commands.filter(({ action }) => action === 'reset'));
    for (const { id, action, time } of commands) {
      pair = applyCommand(pair, { action, time, actor: '', reason: '' }, id, policy, rules).pair;
      const pinned = time >= holdsFrom ? tookEffectAt.get(id) : undefined;
      if (pinned !== undefined && pair.resetAt !== null)
        pair = { ...pair, resetAt: Math.max(pair.resetAt, pinned) };
    }
    for (let i = 0; i < interactions.length; i++) {
      const interaction = interactions.at(i);
      if (!isSuperseded(pair, interaction.time))
        pair = applyInteraction(pair, interaction, '', policy, rules).pair;
    }
    return pair;
  }

  private inputOf(key: string): InputOfPair {
    const pair = this.pairs.get(key);
    if (pair === undefined) throw new RangeError(`no log names the pair ${key}`);
    return pair;
  }

  private pairOf({ tenant, agent_a, agent_b }: Fields): InputOfPair {
    const key = `${tenant}/${makePairId(agent_a, agent_b)}`;
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = {
        tenant,
        agents: [agent_a, agent_b],
        commands: [],
        interactions: new Interactions(),
        ids: new RecentKeys(idsOfPair),
      };
      this.pairs.set(key, pair);
    }
    return pair;
  }
}

function lastTime(commands: readonly ReadCommand[]): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...commands.map(({ time }) => time));
}

interface Opened {
  readonly id: string | null;
  readonly time: number | null;
  readonly fields: Fields;
}

/** The driver's forms of an event: a CloudEvent, or its data alone. Null: it is no JSON. */
function opened({ body }: LogRecord): Opened | null {
  let value: Fields & { id?: string; time?: number | string; source?: string; data?: Fields };
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return null;
  }
  const { id = null, time = null, source = '', data = value } = value;
  return {
    id: id === null ? null : `${source}/${id}`,
    time: typeof time === 'string' ? Date.parse(time) / 1_000 : time,
    fields: data,
  };
}
