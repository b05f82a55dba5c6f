/**
 * What every pair has to be, worked out anew from the input logs with the pure model: operators' commands first, as
 * `rebuild` takes them, then the interactions in the order of the logs.
 */
import { applyCommand, type CommandAction } from '../../src/trust/command.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';
import { makePairId } from '../../src/trust/pair.js';
import type { PolicyBook } from '../../src/trust/policies.js';
import type { Policy } from '../../src/trust/policy.js';
import { isSuperseded, type Pair, unknownPair } from '../../src/trust/record.js';
import { applyInteraction } from '../../src/trust/step.js';
import type { LogRecord } from './broker.js';

/** Later than what the broker says by more than this, an event is refused; in seconds. */
const maxFutureSeconds = 300;
const rules = { timedRecovery: true, nowMs: 0 };

interface InputOfPair {
  readonly tenant: string;
  readonly agents: readonly [string, string];
  readonly commands: ReadCommand[];
  readonly interactions: ReadInteraction[];
  /** Ids that its producers gave. */
  readonly ids: Set<string>;
}

interface ReadCommand {
  readonly id: string;
  readonly action: CommandAction;
  readonly time: number;
}

interface ReadInteraction {
  readonly outcome: TrustOutcome;
  readonly time: number;
  readonly weight: number;
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

const outcomes: readonly unknown[] = ['success', 'failure', 'partial'];

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
    if (event === null || !outcomes.includes(outcome) || time > record.receivedAt + maxFutureSeconds) {
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
    pair.interactions.push({ outcome: outcome as TrustOutcome, time, weight: event.fields.weight ?? 1 });
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
   */
  pair(key: string, tookEffectAt: ReadonlyMap<string, number>): Pair {
    const { agents, commands, interactions } = this.inputOf(key);
    const policy = this.policyOf(key);
    const [agentA, agentB] = agents;
    let pair = unknownPair({ pairId: makePairId(agentA, agentB), agentA, agentB });
    for (const { id, action, time } of commands) {
      pair = applyCommand(pair, { action, time, actor: '', reason: '' }, id, policy, rules).pair;
      const pinned = tookEffectAt.get(id);
      if (pinned !== undefined && pair.resetAt !== null)
        pair = { ...pair, resetAt: Math.max(pair.resetAt, pinned) };
    }
    for (const interaction of interactions)
      if (!isSuperseded(pair, interaction.time))
        pair = applyInteraction(pair, interaction, '', policy, rules).pair;
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
      pair = { tenant, agents: [agent_a, agent_b], commands: [], interactions: [], ids: new Set() };
      this.pairs.set(key, pair);
    }
    return pair;
  }
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
