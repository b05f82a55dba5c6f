// Calls the workers in turn for as long as their circuits let it; every call is guarded and reported.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectFleet, TrustCircuitOpen } from 'fulcrum-trust/client';
import { connect, JSONCodec } from 'nats';

const [url, name, ...workers] = process.argv.slice(2);
const connection = await connect({ servers: url });
const fleet = await connectFleet({ nats: url, whenStale: 'failOpen' });
const json = JSONCodec();
const counts = { good: 0, failures: 0, afterOpen: 0 };
let opened = false;
let running = true;

const ask = async (worker) => json.decode((await connection.request(`example.work.${worker}`)).data);

fleet.circuits.on('opened', ({ agentA, agentB, occurredAt }) => {
  opened = fleet.circuits.isOpen(agentA, agentB);
  const afterMs = Math.round(Date.now() - 1_000 * (occurredAt ?? 0));
  process.send({ kind: 'stopped', name, failures: counts.failures, afterMs });
});
process.on('message', () => {
  running = false;
});
process.send({ kind: 'ready' });

for (let call = 0; running; call++) {
  const worker = workers[call % workers.length];
  try {
    // The pair is the pool and the worker: what one caller learns all callers know.
    const answer = await fleet.guard('pool', worker, async () => {
      if (opened && worker === 'worker-2') counts.afterOpen++;
      return ask(worker);
    });
    if ('error' in answer) counts.failures++;
    else if (worker === 'worker-1') counts.good++;
  } catch (error) {
    if (!(error instanceof TrustCircuitOpen)) throw error;
  }
  await sleep(5);
}
process.send({ kind: 'done', name, ...counts });
await fleet.close();
await connection.close();
process.disconnect();
