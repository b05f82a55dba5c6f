/**
 * Opens a data folder in a process of its own, applies a batch, and holds the folder until stdin ends.
 * Arguments: URL of the built store's module, folder, batch as JSON. Says one line of JSON when it has done so.
 */
const [module, folder, batch] = process.argv.slice(2);
const { EmbeddedStore } = await import(module);

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
