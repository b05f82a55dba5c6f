// Answers requests, well at first; told to go bad, with errors.
import { connect, JSONCodec } from 'nats';

const [url, name] = process.argv.slice(2);
const connection = await connect({ servers: url });
const json = JSONCodec();
let bad = false;

process.on('message', async ({ kind }) => {
  if (kind === 'go bad') bad = true;
  if (kind === 'stop') {
    await connection.drain();
    process.disconnect();
  }
});

const requests = connection.subscribe(`example.work.${name}`);
process.send({ kind: 'ready' });
for await (const request of requests)
  request.respond(json.encode(bad ? { error: 'out of order' } : { text: `done by ${name}` }));
