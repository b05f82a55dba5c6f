import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/demo/random.js';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { makePairId } from '../../src/trust/pair.js';
import type { Pair } from '../../src/trust/record.js';
import { commandLine, jsonLines, type StartedCommand, type Up } from '../helpers/cli.js';

const { fresh, run, start, up } = commandLine();

const agents = Array.from({ length: 40 }, (_, i) => `agent-${i}`);

/** All that a data folder holds of each agent's pair with the hub, and that nothing in it waits to be published. */
async function pairsIn(folder: string): Promise<(Pair | null)[]> {
  const store = await EmbeddedStore.open(folder);
  try {
    expect(store.outbox.read(1)).toEqual([]);
    return agents.map((agent) => store.read('default', makePairId('hub', agent)));
  } finally {
    await store.close();
  }
}

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a replay into a data folder that is killed again and again', () => {
  const random = seededRandom(11);
  const file = fresh();
  let time = 1_700_000_000;
  const lines = Array.from({ length: 20_000 }, () => {
    time += 4 * random();
    const agent = Math.floor(agents.length * random());
    const outcome = random() < (agent % 4) / 4 ? 'failure' : 'success';
    return JSON.stringify({ agent_a: 'hub', agent_b: agents[agent], outcome, time });
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  const flags = [
    '--events',
    '--json',
    '--set',
    'trust.halfLifeSeconds=300',
    '--set',
    'processor.maxBatch=64',
  ];
  const replay = (folder: string): string[] => ['replay', file, '--data', folder, ...flags];

  /** Circuit events of what was printed; the last line of one that was killed may be cut. */
  function eventsOf(output: string): CircuitEvent[] {
    const whole = output.slice(0, output.lastIndexOf('\n') + 1);
    return jsonLines<CircuitEvent>(whole).filter((line) => 'specversion' in line);
  }

  /** Waits until that many events are printed into a file, or the command has ended. */
  async function printed(file: string, events: number, command: StartedCommand): Promise<void> {
    let ended = false;
    void command.ended.then(() => {
      ended = true;
    });
    while (!ended && eventsOf(readFileSync(file, 'utf8')).length < events) await afterMs(2);
  }

  it('comes to exactly what one that was left alone comes to, each transition published under its own id', async () => {
    const undisturbed = fresh();
    const expected = eventsOf((await run(replay(undisturbed))).stdout);
    expect(expected.length).toBeGreaterThan(300);

    const folder = fresh();
    const published: CircuitEvent[] = [];
    let kills = 0;
    // Some moments are counted in events that it published, some in time, from before its first batch on.
    for (const events of [0, 1, 150, 0, 300, 2, 0, 250, 9]) {
      const outputFile = fresh();
      const started = start(replay(folder), { outputFile });
      await (events === 0 ? afterMs(200 + 300 * random()) : printed(outputFile, events, started));
      if ((await started.kill('SIGKILL')).code === null) kills++;
      published.push(...eventsOf(readFileSync(outputFile, 'utf8')));
    }
    const last = await run(replay(folder));
    published.push(...eventsOf(last.stdout));

    expect(kills).toBeGreaterThan(5);
    expect(last.code).toBe(0);
    expect(await pairsIn(folder)).toEqual(await pairsIn(undisturbed));
    const unique = new Map(published.map((event) => [event.id, event]));
    expect([...unique.values()]).toEqual(expected);
  });
});

describe('an `up` that is killed while events are posted', () => {
  const random = seededRandom(23);
  const batches = Array.from({ length: 80 }, (_, batch) =>
    Array.from({ length: 100 }, (_, i) => ({
      id: `event-${batch}-${i}`,
      agent_a: 'hub',
      agent_b: agents[Math.floor(agents.length * random())] as string,
      outcome: random() < 0.7 ? 'failure' : 'success',
    })),
  );

  it('counts each event once when what had no answer is sent again with the same ids', async () => {
    const folder = fresh();
    let server: Up = await up(folder);
    let resent = 0;
    const killAt = new Set([1, 4, 5, 9, 13, 18]);

    /** The status of the answer, null when there was none. */
    const send = (batch: (typeof batches)[number]): Promise<number | null> => {
      const body = batch.map((event) => `${JSON.stringify(event)}\n`).join('');
      const headers = { 'content-type': 'application/x-ndjson' };
      return fetch(new URL('/v1/interactions', server.url), { method: 'POST', headers, body }).then(
        ({ status }) => status,
        () => null,
      );
    };

    for (let round = 0; round * 4 < batches.length; round++) {
      let left = batches.slice(round * 4, round * 4 + 4);
      let answers = Promise.all(left.map(send));
      if (killAt.has(round)) {
        // While requests are under way: some not read yet, some being applied, some committed and not answered.
        await afterMs(15 * random());
        await server.kill('SIGKILL');
        server = await up(folder);
        const answered = await answers;
        left = left.filter((_, i) => answered[i] === null);
        resent += left.length;
        answers = Promise.all(left.map(send));
      }
      expect(await answers).toEqual(left.map(() => 202));
    }

    expect(resent).toBeGreaterThan(0);
    const open = jsonLines((await run(['circuits', '--json', '--url', server.url])).stdout);
    expect((await server.kill('SIGTERM')).code).toBe(0);
    const pairs = await pairsIn(folder);
    const sent = batches.flat();
    agents.forEach((agent, i) => {
      const count = sent.filter((event) => event.agent_b === agent).length;
      expect(pairs[i]?.state, agent).toMatchObject({ interactionCount: count });
    });
    const openPairs = pairs.filter((pair) => pair?.state?.circuitState === 'OPEN');
    expect(open.map((circuit) => circuit['pair_id']).sort()).toEqual(
      openPairs.map((pair) => pair?.pairId).sort(),
    );
    expect(openPairs.length).toBeGreaterThan(0);
  });
});
