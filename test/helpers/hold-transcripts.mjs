/**
 * Opens a folder of transcripts in a process of its own and adds batches of turns, a line of JSON each on stdin, until it ends.
 * Arguments: folder, bounds as JSON. Says a line of JSON: that it has the folder, or why not; then one after each batch, at
 * the moment when it is safe.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { EmbeddedTranscripts } from '#dist/store/embedded/transcripts.js';

const [folder, bounds] = process.argv.slice(2);
// At once: a write that waits for its turn would be lost with the process.
const say = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

try {
  const store = await EmbeddedTranscripts.open(folder, { bounds: JSON.parse(bounds) });
  say({});
  for await (const line of createInterface(process.stdin)) {
    store.add(JSON.parse(line));
    say('safe');
  }
  await store.close();
} catch ({ code, message }) {
  say({ refused: { code, message } });
}
