import { describe } from 'vitest';
import { commandLine } from '../helpers/cli.js';
import { clientContract } from './contract.js';
import { fleetOnHttp } from './running.js';

describe('a client over HTTP', () => {
  const command = commandLine();
  clientContract({ start: () => fleetOnHttp(command), probes: true, pairs: 1 });
});
