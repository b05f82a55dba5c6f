/**
 * What the agents' client costs: looking circuits up, reporting, guarding, and publishing to JetStream beside the bare
 * client of NATS. docs/benchmarks.md says what is measured and which flags there are.
 */
import { parseArgs } from 'node:util';
import { benchGuard } from './client/guard.js';
import { benchLookUp } from './client/look-up.js';
import { benchPublish } from './client/publish.js';
import { benchReport } from './client/report.js';
import { count } from './flags.js';
import { machine } from './measure/machine.js';
import { machineText, printJson, spreadText, whole } from './measure/print.js';
import type { Result } from './result.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    events: { type: 'string', default: '100000' },
    json: { type: 'boolean' },
  },
});
const runs = count('runs', values.runs);
const events = count('events', values.events);
const results: Result[] = [await benchLookUp(runs), await benchReport(runs), ...(await benchGuard(runs))];
const publish = await benchPublish(runs, events);
results.push(...publish.results);
const on = machine(['nats'], { 'nats-server': publish.server });
if (values.json === true) printJson({ machine: on, runs, events, results });
else {
  console.log(`${machineText(on)}\nmedian of ${runs} runs (least to most)\n`);
  for (const { name, unit, ours, beside } of results) {
    console.log(`${name}: ${spreadText(ours, unit)}`);
    if (beside.rate === null) console.log(`  beside it: ${beside.name}`);
    else
      console.log(
        `  beside it: ${beside.name}: ${whole(beside.rate)} ${unit}; ratio ${(ours.median / beside.rate).toFixed(2)}`,
      );
  }
}
