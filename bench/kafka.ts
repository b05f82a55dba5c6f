/**
 * A filled Kafka topic through Redis to commit, beside what one would write first; with `--latency`, how long a
 * failure takes to become a circuit event. docs/benchmarks.md says what is measured and which flags there are.
 */
import { benchBroker } from './brokers/bench.js';
import { filledKafka, liveKafka } from './brokers/kafka.js';
import { brokerFlags } from './flags.js';

const packages = ['kafkajs', 'ioredis'];
await benchBroker({ fillLog: filledKafka, startLog: liveKafka, packages }, brokerFlags());
