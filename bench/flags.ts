/** What the benchmarks can be told on the command line. */
import { parseArgs } from 'node:util';
import { storeNames } from './transcripts/names.js';

const common = {
  runs: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
} as const;

/** Of `bench:redis`. */
export const redisOptions = {
  ...common,
  pairs: { type: 'string', default: '5000,100000,1000000' },
  events: { type: 'string', default: '300000' },
  'naive-events': { type: 'string', default: '100000' },
  // A pair remembers eight event ids: from then on it grows no more.
  fill: { type: 'string', default: '8' },
  loops: { type: 'string', default: '2' },
  change: { type: 'boolean', default: false },
} as const;

/** Of `bench:nats` and `bench:kafka`. */
export const brokerOptions = {
  ...common,
  pairs: { type: 'string', default: '5000' },
  events: { type: 'string', default: '300000' },
  only: { type: 'string' },
  peers: { type: 'string', default: '../shared/peers' },
  'no-peers': { type: 'boolean', default: false },
  profile: { type: 'string' },
  latency: { type: 'boolean', default: false },
  rates: { type: 'string', default: '500,1000,2000' },
  seconds: { type: 'string', default: '20' },
} as const;

/** Of `bench:opening`. */
export const openingOptions = {
  data: { type: 'string', default: '../shared/data/status_dev.jsonl.gz' },
  cooldown: { type: 'string', default: '60' },
  'outage-run': { type: 'string', default: '10' },
  json: { type: 'boolean', default: false },
} as const;

/** Of `bench:transcripts`. */
export const transcriptsOptions = {
  runs: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
  stores: { type: 'string', default: storeNames.join(',') },
  tokens: { type: 'string', default: '10000000' },
  seed: { type: 'string', default: '20260' },
} as const;

/** @throws TypeError for an unknown flag, RangeError for a number that is none, or no store */
export function transcriptsFlags(args?: string[]) {
  const { values } = parseArgs({ ...(args === undefined ? {} : { args }), options: transcriptsOptions });
  const named = values.stores.split(',');
  const stores = storeNames.filter((name) => named.includes(name));
  if (stores.length !== named.length)
    throw new RangeError(`--stores ${values.stores}: must be of ${storeNames.join(',')}`);
  return {
    runs: count('runs', values.runs),
    json: values.json,
    stores,
    /** Of the conversation. */
    tokens: count('tokens', values.tokens),
    /** Of what is said in it. */
    seed: count('seed', values.seed),
  };
}

/** @throws TypeError for an unknown flag, RangeError for a number that is none */
export function openingFlags(args?: string[]) {
  const { values } = parseArgs({ ...(args === undefined ? {} : { args }), options: openingOptions });
  return {
    /** Lines of JSON under gzip, one stream of probes each. */
    data: values.data,
    cooldown: count('cooldown', values.cooldown),
    outageRun: count('outage-run', values['outage-run']),
    json: values.json,
  };
}

/** @throws TypeError for an unknown flag, RangeError for a number that is none */
export function redisFlags(args?: string[]) {
  const { values } = parseArgs({ ...(args === undefined ? {} : { args }), options: redisOptions });
  return {
    runs: count('runs', values.runs),
    json: values.json,
    pairs: counts('pairs', values.pairs),
    /** Of one run. */
    events: count('events', values.events),
    /** Of one run of the naive counterpart. */
    naiveEvents: count('naive-events', values['naive-events']),
    /** Events of each pair before anything is measured. */
    fill: count('fill', values.fill),
    /** Batches under way at a time. */
    loops: count('loops', values.loops),
    /** Measure it too with every pair under `opening: change`. */
    change: values.change,
  };
}

/** @throws TypeError for an unknown flag, RangeError for a number that is none */
export function brokerFlags(args?: string[]) {
  const { values } = parseArgs({ ...(args === undefined ? {} : { args }), options: brokerOptions });
  return {
    runs: count('runs', values.runs),
    json: values.json,
    pairs: count('pairs', values.pairs),
    events: count('events', values.events),
    /** Names of the pipelines to run beside ours; null: all that can be. */
    only: values.only?.split(',') ?? null,
    /** Folder of pipelines of others to run beside ours; null: none. */
    peers: values['no-peers'] ? null : values.peers,
    /** Folder for a CPU profile of the processor; null: none is made. */
    profile: values.profile ?? null,
    latency: values.latency,
    /** Failures a second whose latency is measured. */
    rates: counts('rates', values.rates),
    /** How long each rate is measured. */
    seconds: count('seconds', values.seconds),
  };
}

export type BrokerFlags = Readonly<ReturnType<typeof brokerFlags>>;

/** A whole number above 0. */
export function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`--${flag} ${text}: must be a whole number above 0`);
  return value;
}

function counts(flag: string, text: string): number[] {
  return text.split(',').map((one) => count(flag, one));
}
