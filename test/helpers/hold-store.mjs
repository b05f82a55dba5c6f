/**
 * Opens a data folder in a process of its own, applies a batch, and holds the folder until stdin ends.
 * Arguments: folder, batch as JSON. Says one line of JSON when it has done so.
 */
import { EmbeddedStore } from '#dist/store/embedded/store.js';

const [folder, batch] = process.argv.slice(2);

try {
  const store = await EmbeddedStore.open(folder);
  const results = store.apply(JSON.parse(batch));
  process.stdout.write(`${JSON.stringify({ results })}\n`);
  process.stdin.resume().once('end', async () => {
    await store.close();
  });
} catch ({ code, message }) {
  process.stdout.write(`${JSON.stringify({ refused: { code, message } })}\n`);
}
