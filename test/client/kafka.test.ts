import { describeWithServer } from '../servers/describe.js';
import { clientContract } from './contract.js';
import { fleetOnKafka } from './running.js';

describeWithServer(
  'kafka',
  'a client on Kafka',
  // A pair remembers its newest eight ids: what is sent again is told by them alone.
  () => clientContract({ start: fleetOnKafka, probes: false, pairs: 500 }),
  { own: true },
);
