import type { Fleet } from 'fulcrum-trust/client';
import { type Spread, spreadOfRuns } from '../measure/spread.js';
import type { Result } from '../result.js';
import { agentA, agentB, fleetWithout } from './fleet.js';

const calls = 200_000;
/** As many as one process calls. */
const pairs = 500;
const answer = { text: 'done' };

/** What guarding a call of a closed pair adds to it, report into the buffer and batches out of it included. */
export async function benchGuard(runs: number): Promise<Result[]> {
  const bare = await spreadOfRuns(runs, () => timed(plain));
  const fleet = await fleetWithout(async () => []);
  const guarded = (call: (signal: AbortSignal) => Promise<object>) =>
    spreadOfRuns(runs, () => timed((i) => guard(fleet, i, call)));
  const without = await guarded(async () => answer);
  const withSignal = await guarded(async (signal) => {
    if (signal.aborted) throw new Error('aborted');
    return answer;
  });
  await fleet.close();
  const beside = { name: `the call alone takes ${bare.median.toFixed(0)} ns, taken off`, rate: null };
  return [
    {
      name: 'guard of a closed pair, a call that takes no signal',
      unit: 'ns',
      ours: less(without, bare),
      beside,
    },
    {
      name: 'guard of a closed pair, a call that takes the signal',
      unit: 'ns',
      ours: less(withSignal, bare),
      beside,
    },
  ];
}

async function plain(_call: number): Promise<object> {
  return answer;
}

/** Pairs of odd number are closed. */
function guard(fleet: Fleet, call: number, run: (signal: AbortSignal) => Promise<object>): Promise<object> {
  const pair = (2 * call + 1) % (2 * pairs);
  return fleet.guard(agentA[pair] ?? '', agentB[pair] ?? '', run);
}

/** Nanoseconds a call, one after the other. */
async function timed(call: (i: number) => Promise<object>): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < calls; i++) {
    if ((await call(i)) !== answer) throw new Error('another answer');
    // As agents do: what is reported goes out between their calls.
    if (i % 1_000 === 999) await new Promise(setImmediate);
  }
  return ((performance.now() - startedAt) * 1e6) / calls;
}

function less({ median, least, most }: Spread, bare: Spread): Spread {
  return { median: median - bare.median, least: least - bare.median, most: most - bare.median };
}
