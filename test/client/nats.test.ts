import { describeWithServer } from '../servers/describe.js';
import { clientContract } from './contract.js';
import { fleetOnNats } from './running.js';

describeWithServer(
  'nats',
  'a client on NATS',
  () => clientContract({ start: fleetOnNats, probes: true, pairs: 1 }),
  { own: true },
);
