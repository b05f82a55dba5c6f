import { loadConfig } from '../config.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { MessageToSend, Settlement } from '../ports.js';
import { type MemoryPipeline, startMemoryPipeline } from '../runtime/memory-pipeline.js';
import type { CircuitState } from '../trust/circuit.js';
import { makePairId } from '../trust/pair.js';
import { durationSeconds, fleet, operatorActions, type SimulatedPair, type Story } from './fleet.js';
import { seededRandom } from './random.js';

/** What became of one pair. */
export interface PairReport {
  readonly story: Story;
  interactions: number;
  /** Calls that an agent did not make because it saw the circuit open. */
  stopped: number;
  opened: number;
  halfOpened: number;
  closed: number;
  closedByTime: number;
  state: CircuitState;
}

interface Actor {
  readonly pair: SimulatedPair;
  readonly random: () => number;
  readonly report: PairReport;
  nextAt: number;
  /** Whether the circuit stops this pair's agents: those of a shadow policy go on. */
  stops: boolean;
}

/** The demo's clock starts here: 2026-01-01T00:00:00Z. */
export const startOfTime = 1_767_225_600;

const config = {
  trust: { halfLifeSeconds: 600 },
  policies: [
    {
      name: 'services',
      match: { agents: ['fetcher', '*'] },
      trust: { halfLifeSeconds: 300, recoveryCooldownSeconds: 120 },
    },
    {
      name: 'watched',
      match: { agents: ['support', 'triage'] },
      trust: { halfLifeSeconds: 600 },
      enforced: false,
    },
  ],
};

/**
 * Plays the fleet through the pipeline, second by second on a clock of its own: what the agents of one second
 * send is applied and its circuit events are heard before the next second begins. So a seed plays the same
 * every time.
 */
export async function playFleet(
  seed: number,
  onCircuit: (event: CircuitEvent, secondsSinceStart: number) => void,
): Promise<readonly PairReport[]> {
  let now = 0;
  const clock = (): number => startOfTime + now;
  const pipeline = startMemoryPipeline(loadConfig(null, config, {}).config, clock);
  const actors = new Map(
    fleet.map((pair, i) => [makePairId(pair.agentA, pair.agentB), actorOf(pair, seed + i)]),
  );
  pipeline.circuits.subscribe((message) => {
    const event = JSON.parse(Buffer.from(message.body).toString('utf8')) as CircuitEvent;
    const actor = actors.get(event.data.pair_id);
    if (actor !== undefined) count(actor, event);
    onCircuit(event, event.data.occurred_at - startOfTime);
  });
  try {
    for (now = 0; now < durationSeconds; now++) {
      await command(pipeline, now);
      await settled(
        [...actors.values()].flatMap((actor) => act(actor, now, clock())),
        pipeline.interactions,
      );
    }
  } finally {
    await pipeline.stop();
  }
  return [...actors.values()].map(({ report }) => report);
}

function actorOf(pair: SimulatedPair, seed: number): Actor {
  const random = seededRandom(seed);
  return {
    pair,
    random,
    nextAt: pair.period(0) * random(),
    stops: false,
    report: {
      story: pair.story,
      interactions: 0,
      stopped: 0,
      opened: 0,
      halfOpened: 0,
      closed: 0,
      closedByTime: 0,
      state: 'CLOSED',
    },
  };
}

/** What one pair sends in this second. */
function act(actor: Actor, now: number, time: number): MessageToSend[] {
  const messages: MessageToSend[] = [];
  const { pair, random, report } = actor;
  while (actor.nextAt < now + 1) {
    actor.nextAt += pair.period(now) * (0.5 + random());
    const outcome = pair.outcome(now, random());
    if (actor.stops) {
      report.stopped++;
      continue;
    }
    report.interactions++;
    messages.push(message({ agent_a: pair.agentA, agent_b: pair.agentB, outcome, time }));
  }
  return messages;
}

async function command(pipeline: MemoryPipeline, now: number): Promise<void> {
  const due = operatorActions.filter(({ at }) => at === now);
  await settled(
    due.map(({ action, agentA, agentB, reason }) =>
      message({
        id: `operator-${now}`,
        time: startOfTime + now,
        agent_a: agentA,
        agent_b: agentB,
        action,
        actor: 'operator',
        reason,
      }),
    ),
    pipeline.commands,
  );
}

function message(event: object): MessageToSend {
  return { body: Buffer.from(JSON.stringify(event)), headers: {} };
}

/** Sends messages and waits until all of them are applied and what came of them is published. */
async function settled(
  messages: readonly MessageToSend[],
  topic: MemoryPipeline['interactions'],
): Promise<void> {
  const settlements = messages.map(
    (each) =>
      new Promise<Settlement>((settle) => {
        void topic.send([{ ...each, settle }]);
      }),
  );
  for (const settlement of await Promise.all(settlements))
    if (settlement.kind === 'rejected')
      throw new Error(`the demo sent ${JSON.stringify(settlement.rejection)}`);
}

function count(actor: Actor, { type, data }: CircuitEvent): void {
  const { report } = actor;
  report.state = data.to;
  actor.stops = data.enforced && (data.to === 'OPEN' || data.to === 'TERMINATED');
  if (data.to === 'OPEN') report.opened++;
  else if (data.to === 'HALF_OPEN') report.halfOpened++;
  else if (type.includes('.closed.')) {
    if (data.cause.kind === 'recovery') report.closedByTime++;
    else report.closed++;
  }
}
