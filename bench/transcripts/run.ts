/**
 * Keeps one long conversation in one store, in a process of its own, and reads it again. Arguments: store, its place, tokens,
 * seed. Says a line of JSON.
 */
import { readFileSync } from 'node:fs';
import type { SessionOf, TurnToKeep } from '#dist/rlm/ports.js';
import { whitespaceTokens } from '#dist/rlm/tokens.js';
import { readAtATime } from '#dist/rlm/worker/reading.js';
import { makePairId } from '#dist/trust/pair.js';
import { background } from '../rlm/session.js';
import type { StoreName } from './names.js';
import { openStore } from './stores.js';

export interface TranscriptRun {
  readonly turns: number;
  readonly tokens: number;
  readonly textBytes: number;
  /** What the store took, all in all. */
  readonly heldBytes: number;
  /** Seconds in which the store kept them, without those in which they were made up. */
  readonly addSeconds: number;
  readonly readSeconds: number;
  readonly peakResidentMiB: number;
  /** Of what is resident in the end: pages of mapped files, which the system takes back when it needs them. */
  readonly mappedMiB: number;
}

const conversation: SessionOf = {
  tenant: 'default',
  pairId: makePairId('planner', 'coder'),
  session: 'long',
};

const [name, place = '', tokens, seed] = process.argv.slice(2);
const { store, held, close } = await openStore(name as StoreName, place);
const heldBefore = await held();

let turns = 0;
let textBytes = 0;
let addMs = 0;
for (const batch of batches(Number(tokens), Number(seed))) {
  turns += batch.length;
  for (const { turn } of batch) textBytes += Buffer.byteLength(turn.text);
  const started = performance.now();
  await store.add(batch);
  addMs += performance.now() - started;
}
const heldBytes = (await held()) - heldBefore;

let [readTurns, readTokens] = [0, 0];
const started = performance.now();
for await (const turn of store.turns(conversation)) {
  readTurns += 1;
  readTokens += whitespaceTokens.count(turn.text);
}
const readSeconds = (performance.now() - started) / 1_000;
if (readTurns !== turns) throw new Error(`${readTurns} turns were read of ${turns}`);

const run: TranscriptRun = {
  turns,
  tokens: readTokens,
  textBytes,
  heldBytes,
  addSeconds: addMs / 1_000,
  readSeconds,
  peakResidentMiB: process.resourceUsage().maxRSS / 1_024,
  mappedMiB: Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024,
};
await close();
process.stdout.write(`${JSON.stringify(run)}\n`);

/** As an analyser reads them: so many at a time, a second between two turns. */
function* batches(tokens: number, seed: number): Generator<TurnToKeep[]> {
  // The whole of it lies within the age that is kept, however long it is.
  let time = Date.now() / 1_000 - 5 * 86_400;
  let sequence = 0;
  let batch: TurnToKeep[] = [];
  for (const { speaker, text } of background(seed, tokens)) {
    sequence += 1;
    time += 0.2;
    const turn = { speaker, text, time, eventId: `run-7/step-${sequence}` };
    batch.push({ ...conversation, turn, position: { source: 'nats:FULCRUM_INTERACTIONS:1', sequence } });
    if (batch.length < readAtATime) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
