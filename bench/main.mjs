/**
 * Every benchmark of one process, each beside what it is measured against, with the machine and the versions.
 * `--runs N` (default 5) counted runs each, after a warm-up; the median counts. `--json` prints JSON.
 */
import { parseArgs } from 'node:util';
import { benchDecode } from './decode.mjs';
import { benchEvaluate } from './evaluate.mjs';
import { machine } from './machine.mjs';
import { benchPipeline } from './pipeline.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'boolean' } },
});
const runs = Number(values.runs);
const on = machine();
if (!values.json) {
  console.log(`${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB, ${on.system}`);
  console.log(`node ${on.node}, lmdb ${on.lmdb}, zod ${on.zod}; median of ${runs} runs (least to most)\n`);
}
const results = [];
for (const bench of [benchEvaluate, benchPipeline, benchDecode]) {
  const result = await bench(runs);
  results.push(result);
  if (values.json) continue;
  const { name, unit, ours, beside } = result;
  console.log(`${name}: ${whole(ours.median)} ${unit} (${whole(ours.least)} to ${whole(ours.most)})`);
  console.log(
    beside.rate === null
      ? `  beside it: ${beside.name}`
      : `  beside it: ${beside.name}: ${whole(beside.rate)} ${unit}; ratio ${(ours.median / beside.rate).toFixed(2)}`,
  );
}
if (values.json) console.log(JSON.stringify({ machine: on, runs, results }, null, 2));

function whole(rate) {
  return Math.round(rate).toLocaleString('en-US');
}
