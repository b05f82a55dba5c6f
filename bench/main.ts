/**
 * Every benchmark of one process, each beside what it is measured against, with the machine and the versions.
 * `--runs N` (default 5) counted runs each, after a warm-up; the median counts. `--json` prints JSON.
 */
import { parseArgs } from 'node:util';
import { benchDecode } from './decode.js';
import { benchEvaluate } from './evaluate.js';
import { count } from './flags.js';
import { machine } from './measure/machine.js';
import { machineText, printJson, spreadText, whole } from './measure/print.js';
import { benchPipeline } from './pipeline.js';
import type { Result } from './result.js';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'boolean' } },
});
const runs = count('runs', values.runs);
const on = machine(['lmdb', 'zod']);
if (values.json !== true) console.log(`${machineText(on)}\nmedian of ${runs} runs (least to most)\n`);
const results: Result[] = [];
for (const bench of [benchEvaluate, benchPipeline, benchDecode]) {
  const result = await bench(runs);
  results.push(result);
  if (values.json === true) continue;
  const { name, unit, ours, beside } = result;
  console.log(`${name}: ${spreadText(ours, unit)}`);
  console.log(
    beside.rate === null
      ? `  beside it: ${beside.name}`
      : `  beside it: ${beside.name}: ${whole(beside.rate)} ${unit}; ratio ${(ours.median / beside.rate).toFixed(2)}`,
  );
}
if (values.json === true) printJson({ machine: on, runs, results });
