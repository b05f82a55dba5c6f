/** `npm run test:chaos`: faults on real processes and servers. docs/fault-tests.md says what is done and checked. */
import { parseArgs } from 'node:util';
import { faults, faultsNamed } from './faults.js';
import { brokerOf, wholeOf } from './flags.js';
import { printResult, summaryOf, summaryText } from './print.js';
import { type Round, runChaos } from './rounds.js';

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    without: { type: 'string' },
    rate: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  },
});
const { without, only } = values;
if (without !== undefined && without !== 'positions' && without !== 'replay')
  throw new RangeError(`--without ${without}: must be positions or replay`);

const outcome = await runChaos({
  source: brokerOf(values.source),
  rounds: wholeOf('rounds', values.rounds),
  seed: wholeOf('seed', values.seed),
  rate: wholeOf('rate', values.rate),
  faults: only === undefined ? faults : faultsNamed(only.split(',')),
  without,
  onRound: (round) => process.stderr.write(`${roundText(round)}\n`),
});
printResult(values.json, summaryOf(outcome), summaryText(outcome), outcome);

function roundText({ number, fault, injected, recoveryMs }: Round): string {
  const recovered = injected ? `recovered in ${(recoveryMs / 1_000).toFixed(1)} s` : 'was not reached';
  return `round ${number}/${values.rounds} ${fault}: ${recovered}`;
}
