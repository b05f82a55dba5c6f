/** Runs the seeds that it is sent, one after the other. */
import { parentPort } from 'node:worker_threads';
import { withoutOutside } from './poison.js';
import { runSeed } from './run.js';

parentPort?.on('message', (seed: number) => {
  void withoutOutside(() => runSeed(seed)).then((result) => parentPort?.postMessage(result));
});
