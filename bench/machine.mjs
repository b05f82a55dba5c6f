import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What a figure was measured on: it says nothing without it. */
export function machine() {
  const version = (name) =>
    JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
      .version;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    lmdb: version('lmdb'),
    zod: version('zod'),
  };
}

/** Runs `work` several times after one warm-up and returns the median of the rates it gives, with the extremes. */
export async function median(runs, work) {
  await work();
  const rates = [];
  for (let i = 0; i < runs; i++) rates.push(await work());
  rates.sort((a, b) => a - b);
  return { median: rates[Math.floor(rates.length / 2)], least: rates[0], most: rates.at(-1) };
}

/** Events per second of doing `work`, which returns how many it did. */
export async function rate(work) {
  const startedAt = process.hrtime.bigint();
  const events = await work();
  return events / (Number(process.hrtime.bigint() - startedAt) / 1e9);
}
