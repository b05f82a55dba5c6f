/** `TrustManager.evaluate` in memory, context on, beside the Python package where it is installed. */
import { spawnSync } from 'node:child_process';
import { MemoryStore, TrustManager } from 'fulcrum-trust';
import { rate, spreadOf, spreadOfRuns } from './measure/spread.js';
import type { Result } from './result.js';

const pairs = 1_000;
const calls = 1_000_000;

export async function benchEvaluate(runs: number): Promise<Result> {
  const names = Array.from({ length: pairs }, (_, i) => `agent-${i}`);
  const ours = await spreadOfRuns(runs, () => {
    const manager = new TrustManager({ store: new MemoryStore() });
    return rate(async () => {
      for (let i = 0; i < calls; i++)
        await manager.evaluate(names[i % pairs] ?? '', 'orchestrator', i % 10 < 3 ? 'failure' : 'success');
      return calls;
    });
  });
  return { name: 'evaluate, in memory, context on', unit: 'calls/s', ours, beside: python(runs) };
}

const script = `
import sys, time
from fulcrum_trust import TrustManager, TrustOutcome
names = ["agent-%d" % i for i in range(${pairs})]
calls = 100000
for _ in range(int(sys.argv[1])):
    manager = TrustManager()
    start = time.perf_counter()
    for i in range(calls):
        manager.evaluate(names[i % ${pairs}], "orchestrator", TrustOutcome.FAILURE if i % 10 < 3 else TrustOutcome.SUCCESS)
    print(calls / (time.perf_counter() - start))
`;

function python(runs: number): Result['beside'] {
  const { status, stdout } = spawnSync('python3', ['-c', script, String(runs)], { encoding: 'utf8' });
  if (status !== 0) return { name: 'Python package (not installed: pip install fulcrum-trust)', rate: null };
  const rates = stdout.trim().split('\n').map(Number);
  return { name: 'the Python package', rate: spreadOf(rates).median };
}
