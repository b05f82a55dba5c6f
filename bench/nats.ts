/**
 * A filled JetStream through Redis to acknowledgement, beside what one would write first; with `--latency`, how long
 * a failure takes to become a circuit event. docs/benchmarks.md says what is measured and which flags there are.
 */
import { benchBroker } from './brokers/bench.js';
import { filledNats, liveNats } from './brokers/nats.js';
import { brokerFlags } from './flags.js';

const packages = ['nats', 'ioredis'];
await benchBroker({ fillLog: filledNats, startLog: liveNats, packages }, brokerFlags());
