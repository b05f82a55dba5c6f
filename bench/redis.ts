/**
 * `RedisStore.apply` on a real Redis, beside one script call an event. docs/benchmarks.md says what is measured and
 * which flags there are.
 */
import { Measured } from './apply/measure.js';
import { openNaive } from './apply/naive.js';
import { batchSize, openOurs } from './apply/ours.js';
import { type ApplyResult, applyResult, printApply } from './apply/print.js';
import { redisFlags } from './flags.js';
import { machine } from './measure/machine.js';
import { machineText, printJson } from './measure/print.js';

/** Every pair opens on a change: what is known of it is kept beside the score. */
const onChange = { opening: 'change', recoveryCooldownSeconds: 60 } as const;

const flags = redisFlags();
const { events, naiveEvents, runs, fill, loops } = flags;
const results: ApplyResult[] = [];
let redisVersion = '';
for (const pairs of flags.pairs) {
  const ours = await Measured.open(pairs, (url) => openOurs(url, pairs, loops));
  const naive = await Measured.open(pairs, (url) => openNaive(url, pairs));
  const change = flags.change
    ? await Measured.open(pairs, (url) => openOurs(url, pairs, loops, onChange))
    : null;
  redisVersion = ours.redisVersion;
  await ours.fill(fill);
  await change?.fill(fill);
  // Its hashes do not grow with the number of events.
  await naive.fill(1);
  for (let round = 0; round < runs; round++) {
    await ours.run(events);
    await change?.run(events);
    await naive.run(naiveEvents);
  }
  results.push(applyResult(pairs, ours, change, naive));
  await ours.close();
  await change?.close();
  await naive.close();
}

const on = machine(['ioredis'], { 'redis-server': redisVersion });
if (flags.json) printJson({ machine: on, events, naiveEvents, batchSize, loops, fill, runs, results });
else {
  console.log(
    `${machineText(on)}\nbatches of ${batchSize}, ${loops} under way; median of ${runs} runs (least to most)\n`,
  );
  for (const result of results) printApply(result);
}
