import { rate, spreadOfRuns } from '../measure/spread.js';
import type { Result } from '../result.js';
import { agentA, agentB, fleetWithout } from './fleet.js';

const calls = 500_000;

/** `report` into the buffer, of which nothing is taken meanwhile; beside it the event's JSON into an array. */
export async function benchReport(runs: number): Promise<Result> {
  const ours = await spreadOfRuns(runs, async () => {
    const fleet = await fleetWithout(async () => []);
    const measured = await rate(() => {
      for (let i = 0; i < calls; i++) {
        const pair = i % agentA.length;
        void fleet.report(agentA[pair] ?? '', agentB[pair] ?? '', 'success', {
          content: 'done',
          sessionId: 's-1',
        });
      }
      return calls;
    });
    if (fleet.counts.buffered !== calls)
      throw new Error(`${fleet.counts.buffered} of ${calls} are in the buffer`);
    await fleet.close();
    return measured;
  });
  const beside = await spreadOfRuns(runs, () =>
    rate(() => {
      const kept: string[] = [];
      for (let i = 0; i < calls; i++) {
        const pair = i % agentA.length;
        const data = { agent_a: agentA[pair], agent_b: agentB[pair], outcome: 'success', content: 'done' };
        kept.push(JSON.stringify({ id: `run-${i}`, session_id: 's-1', ...data }));
      }
      return kept.length;
    }),
  );
  return {
    name: 'report into the buffer, with content and session',
    unit: 'calls/s',
    ours,
    beside: { name: "the event's JSON pushed to an array, unchecked", rate: beside.median },
  };
}
