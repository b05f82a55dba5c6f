/** `npm run test:chaos`: faults on real processes and servers. docs/fault-tests.md says what is done and checked. */
import { parseArgs } from 'node:util';
import { faults, faultsNamed } from './faults.js';
import { summaryOf, summaryText } from './print.js';
import { type ChaosOptions, type Round, runChaos } from './rounds.js';

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

const { source, without, only, json } = values;
if (source !== 'nats' && source !== 'kafka') throw new RangeError('--source: must be nats or kafka');
if (without !== undefined && without !== 'positions' && without !== 'replay')
  throw new RangeError(`--without ${without}: must be positions or replay`);

const options: ChaosOptions = {
  source,
  rounds: whole('rounds', values.rounds),
  seed: whole('seed', values.seed),
  rate: whole('rate', values.rate),
  faults: only === undefined ? faults : faultsNamed(only.split(',')),
  without,
  onRound: (round) => process.stderr.write(`${roundText(round)}\n`),
};
const outcome = await runChaos(options);
process.stdout.write(`${json ? JSON.stringify(summaryOf(outcome), null, 2) : summaryText(outcome)}\n`);
process.exit(outcome.verdict.faults.length === 0 ? 0 : 1);

function roundText({ number, fault, injected, recoveryMs }: Round): string {
  const recovered = injected ? `recovered in ${(recoveryMs / 1_000).toFixed(1)} s` : 'was not reached';
  return `round ${number}/${values.rounds} ${fault}: ${recovered}`;
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`--${flag} ${text}: must be a whole number above 0`);
  return value;
}
