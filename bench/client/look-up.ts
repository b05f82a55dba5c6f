import { rate, spreadOfRuns } from '../measure/spread.js';
import type { Result } from '../result.js';
import { agentA, agentB, fleetWithout, openPairs } from './fleet.js';

const calls = 10_000_000;

/** `isOpen` of 10,000 pairs in turn, half of them open; beside it a set of both names joined. */
export async function benchLookUp(runs: number): Promise<Result> {
  const fleet = await fleetWithout(async () => []);
  const joined = new Set(agentA.flatMap((name, i) => (i % 2 === 0 ? [`${name}:${agentB[i]}`] : [])));
  const ours = await spreadOfRuns(runs, () => lookUps((a, b) => fleet.circuits.isOpen(a, b)));
  const beside = await spreadOfRuns(runs, () => lookUps((a, b) => joined.has(`${a}:${b}`)));
  await fleet.close();
  return {
    name: 'isOpen, 10,000 pairs, half of them open',
    unit: 'calls/s',
    ours,
    beside: { name: 'Set.has of both names joined', rate: beside.median },
  };
}

function lookUps(isOpen: (a: string, b: string) => boolean): Promise<number> {
  return rate(() => {
    let open = 0;
    for (let i = 0; i < calls; i++) {
      const pair = i % (2 * openPairs);
      if (isOpen(agentA[pair] ?? '', agentB[pair] ?? '')) open++;
    }
    if (open !== calls / 2) throw new Error(`${open} of ${calls} were open`);
    return calls;
  });
}
