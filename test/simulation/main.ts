/** `npm run test:simulation`: runs many seeds, or tells the story of one. */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { withoutOutside } from './poison.js';
import { replayOf } from './replay.js';
import { type Result, runSeed } from './run.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});

if (values.seed !== undefined) process.exitCode = await tell(Number(values.seed), values.trace);
else process.exitCode = await runMany(Number(values.from), Number(values.seeds), Number(values.workers));

async function tell(seed: number, trace: boolean): Promise<number> {
  const lines: string[] = [];
  const result = await withoutOutside(() => runSeed(seed, trace ? { tell: (line) => lines.push(line) } : {}));
  if (trace) print(JSON.stringify(result.plan), ...lines);
  report(result);
  if (result.broken.length === 0) print(`seed ${seed}: all holds, after ${result.steps} steps`);
  return result.broken.length === 0 ? 0 : 1;
}

async function runMany(from: number, seeds: number, workers: number): Promise<number> {
  const begunMs = performance.now();
  const failed: number[] = [];
  let next = from;
  let steps = 0;
  let simulatedMs = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url));
      const more = (): void => {
        if (next < from + seeds) worker.postMessage(next++);
        else void worker.terminate().then(() => resolve());
      };
      worker.on('error', reject);
      worker.on('message', (result: Result) => {
        steps += result.steps;
        simulatedMs += result.simulatedMs;
        if (result.broken.length > 0) {
          failed.push(result.seed);
          report(result);
        }
        more();
      });
      more();
    });
  await Promise.all(Array.from({ length: workers }, one));
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
  print(
    `${seeds} seeds from ${from}: ${failed.length} broken; ${steps} steps, ` +
      `${(simulatedMs / 3_600_000).toFixed(1)} simulated hours, in ${seconds} s`,
  );
  return failed.length === 0 ? 0 : 1;
}

function report({ seed, broken }: Result): void {
  if (broken.length === 0) return;
  print(replayOf(seed), ...broken.map((what) => `  ${what}`));
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
