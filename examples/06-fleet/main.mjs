// A fleet of processes over NATS: three callers share two workers. One worker goes bad, and all callers stop calling it
// within a second, though none of them saw more than a few of its failures.
//
//     node examples/06-fleet/main.mjs [nats://127.0.0.1:4222]
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nats = process.argv[2] ?? 'nats://127.0.0.1:4222';
const callers = 3;
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const start = (name, ...args) => fork(file(name), [nats, ...args]);
const says = async (child, kind) => {
  for (;;) {
    const [message] = await once(child, 'message');
    if (message.kind === kind) return message;
  }
};

// One processor, with everything else in its process: `npx fulcrum-trust up --nats ...`.
const data = mkdtempSync(join(tmpdir(), 'fulcrum-example-'));
const cli = fileURLToPath(new URL('./cli.js', import.meta.resolve('fulcrum-trust')));
const processor = spawn(
  process.execPath,
  [cli, 'up', '--port', '0', '--nats', nats, '--data', data, '--fresh', '--json'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
await once(processor.stdout, 'data');

const workers = ['worker-1', 'worker-2'].map((name) => start('worker.mjs', name));
await Promise.all(workers.map((worker) => says(worker, 'ready')));
const fleet = Array.from({ length: callers }, (_, i) =>
  start('caller.mjs', `caller-${i + 1}`, 'worker-1', 'worker-2'),
);
await Promise.all(fleet.map((caller) => says(caller, 'ready')));
console.log(`${callers} callers call ${workers.length} workers`);

const stopped = Promise.all(fleet.map((caller) => says(caller, 'stopped')));
workers[1].send({ kind: 'go bad' });
const stops = await stopped;
for (const { name, failures, afterMs } of stops)
  console.log(
    `${name} stopped calling worker-2 after ${failures} failures of its own, ${afterMs} ms after the one that opened the circuit`,
  );
console.log(`the last of them: ${Math.max(...stops.map(({ afterMs }) => afterMs))} ms`);

const counts = Promise.all(fleet.map((caller) => says(caller, 'done')));
for (const caller of fleet) caller.send({ kind: 'stop' });
for (const { name, good, afterOpen } of await counts)
  console.log(`${name}: ${good} good calls of worker-1, ${afterOpen} calls of worker-2 after it had stopped`);
for (const worker of workers) worker.send({ kind: 'stop' });
processor.kill('SIGTERM');
await once(processor, 'exit');
rmSync(data, { recursive: true });
