/** Processors on real servers, a log of which all is known, and what has to come of it. */
import { expect, onTestFinished } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import type { Broker, EventSink, SinkMessage, SourceMessage } from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { readUp } from '../../src/recovery/read-up.js';
import { RedisStore } from '../../src/store/redis/store.js';
import { decay } from '../../src/trust/decay.js';
import { TrustEvaluator } from '../../src/trust/evaluator.js';
import { trustOutcomes } from '../../src/trust/outcome.js';
import { makePairId } from '../../src/trust/pair.js';
import { PolicyBook } from '../../src/trust/policies.js';
import type { TrustState } from '../../src/trust/state.js';
import { until } from '../servers/until.js';

const hub = 'hub';
const pairs = 24;

interface Sent {
  readonly agent: string;
  readonly outcome: (typeof trustOutcomes)[number];
  readonly weight: number;
  readonly time: number;
}

/** What a test may put in the place of what a processor has. */
export interface ProcessorChange {
  readonly store?: RedisStore;
  readonly circuits?: (sink: EventSink) => EventSink;
}

export class FleetOnServers {
  readonly sent: Sent[] = [];
  readonly begun = Date.now() / 1_000 - 1_000;
  /** The policies of all of its processors; another document acts at once. */
  book = new PolicyBook({ version: 1, default: {}, policies: [] });
  /** When resets took effect, as the test wants it, seconds since the epoch. */
  readonly resetAt = new Map<string, number>();
  private outside: Promise<Broker> | undefined;

  constructor(
    private readonly connect: () => Promise<Broker>,
    private readonly redisUrl: string,
  ) {}

  async open(create = true): Promise<RedisStore> {
    const store = await RedisStore.open({ url: this.redisUrl, create });
    onTestFinished(() => store.close());
    return store;
  }

  /** Starts a processor, and waits until it has written its first mark. */
  async start(change: ProcessorChange = {}) {
    const broker = await this.connect();
    const store = change.store ?? (await this.open());
    const lines: string[] = [];
    const processor = new Processor({
      store,
      interactions: [await broker.consume('interactions')],
      commands: await broker.consume('commands'),
      circuits: change.circuits?.(broker.sink) ?? broker.sink,
      deadLetters: broker.sink,
      logs: broker,
      policies: () => this.book,
      clock: () => Date.now() / 1_000,
      onStatus: (line) => void lines.push(line),
    });
    const running = processor.run();
    running.catch(() => {});
    onTestFinished(() => processor.stop(0).catch(() => {}));
    /** Waits until it has applied again what the store lost, and answers how it said so. */
    const recovered = async (withinMs = 30_000): Promise<string> => {
      const ended = running.then(() => {
        throw new Error('it has ended');
      });
      const again = until('it is applied again', async () => lines[1] ?? false, withinMs);
      return Promise.race([again, ended]).catch((error: unknown) => {
        const said = lines.length === 0 ? 'nothing' : lines.join('; ');
        const stuck = processor.troubled.join(', ');
        throw new Error(`it said ${said}, and could not ${stuck}: ${error}`, { cause: error });
      });
    };
    return { processor, running, lines, store, recovered };
  }

  /** Publishes so many interactions, of which a part moves circuits. */
  async publish(count: number): Promise<void> {
    const messages: SinkMessage[] = [];
    for (let i = 0; i < count; i++) {
      const n = this.sent.length;
      const agent = `a${n % pairs}`;
      const outcome = trustOutcomes[(n * 7 + Math.floor(n / pairs / 5)) % trustOutcomes.length] ?? 'failure';
      const one: Sent = { agent, outcome, weight: 1 + (n % 5), time: this.begun + n / 100 };
      this.sent.push(one);
      messages.push(message('interactions', `e${n}`, { agent_a: agent, agent_b: hub, ...one }));
    }
    await (await this.broker()).sink.publish(messages);
  }

  /** An operator's command about one agent and the hub. @param time seconds since the epoch. */
  async command(action: 'terminate' | 'reset', agent: string, time = Date.now() / 1_000): Promise<void> {
    const fields = { agent_a: agent, agent_b: hub, action, time, actor: 'ann', reason: 'test' };
    await (await this.broker()).sink.publish([message('commands', `${action}-${time}`, fields)]);
  }

  /** Waits until every interaction is counted in `store`, acknowledged and marked. */
  async counted(store: RedisStore): Promise<void> {
    const broker = await this.broker();
    await until(
      `${this.sent.length} are counted and marked`,
      async () => {
        for (const agent of this.agents)
          if (((await this.state(store, agent))?.interactionCount ?? 0) !== this.ofAgent(agent).length)
            return false;
        const standing = await broker.standing('interactions');
        const marks = new Map(
          (await store.marks()).map(({ source, acknowledged }) => [source, acknowledged]),
        );
        return standing.every(({ source, last }) => marks.get(source) === last);
      },
      30_000,
    );
  }

  /** alpha and beta of every pair are those of the pure model, and its circuit is the one that was told last. */
  async expectExact(store: RedisStore, but: readonly string[] = []): Promise<void> {
    const at = Date.now() / 1_000 + 1_000;
    const evaluator = new TrustEvaluator();
    const { halfLifeSeconds } = evaluator.config;
    const standing = ({ alpha, beta, lastUpdated }: TrustState) =>
      decay({ alpha, beta }, at - lastUpdated, halfLifeSeconds);
    for (const agent of this.agents) {
      let wanted = evaluator.newState(agent, hub, this.begun);
      for (const { outcome, time, weight } of this.ofAgent(agent))
        wanted = evaluator.update(wanted, outcome, time, weight);
      const found = await this.state(store, agent);
      expect(found?.interactionCount).toBe(wanted.interactionCount);
      const [own, model] = [standing(found as TrustState), standing(wanted)];
      expect(Math.abs(own.alpha / model.alpha - 1)).toBeLessThan(1e-9);
      expect(Math.abs(own.beta / model.beta - 1)).toBeLessThan(1e-9);
    }
    await until('what was told last is how it stands', async () => {
      const told = new Map<string, CircuitEvent['data']>();
      for (const { data } of await this.circuits())
        if (data.transition > (told.get(data.pair_id)?.transition ?? 0)) told.set(data.pair_id, data);
      for (const agent of this.agents.filter((one) => !but.includes(one))) {
        const state = await this.state(store, agent);
        if ((told.get(makePairId(agent, hub))?.to ?? 'CLOSED') !== state?.circuitState) return false;
      }
      return (await store.outbox.read(1)).length === 0;
    });
  }

  /** All circuit events that the log holds, in its order. */
  async circuits(): Promise<CircuitEvent[]> {
    const source = await (await this.broker()).follow('circuits', 'start');
    const events: SourceMessage[] = [];
    await readUp(
      source,
      async (_, work) => work(),
      (one) => void events.push(one),
    );
    await source.close();
    return events.map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as CircuitEvent);
  }

  async state(store: RedisStore, agent: string): Promise<TrustState | null> {
    return (await store.read('default', makePairId(agent, hub)))?.state ?? null;
  }

  /** A broker that no processor uses. */
  broker(): Promise<Broker> {
    this.outside ??= this.connect();
    return this.outside;
  }

  /** What counts of an agent. */
  ofAgent(agent: string): readonly Sent[] {
    const after = this.resetAt.get(agent) ?? 0;
    return this.sent.filter((one) => one.agent === agent && one.time > after);
  }

  private get agents(): string[] {
    return [...new Set(this.sent.map(({ agent }) => agent))];
  }
}

function message(channel: 'interactions' | 'commands', id: string, fields: object): SinkMessage {
  const { agent_a: agentA } = fields as { agent_a: string };
  return {
    channel,
    id,
    tenant: 'default',
    key: makePairId(agentA, hub),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ id, ...fields })),
  };
}
