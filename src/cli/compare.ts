/** `replay --compare`: rules of opening side by side on a log. */
import type { Command } from 'commander';
import { RuleCounter, type RuleFigures } from '../compare/outages.js';
import { policyRule } from '../compare/policy-rule.js';
import { type Config, policyDocument } from '../config.js';
import { FulcrumError } from '../errors.js';
import { suggestion } from '../nearest.js';
import type { InteractionToApply } from '../ports.js';
import { TrustConfig, type TrustConfigOptions } from '../trust/config.js';
import { PolicyBook } from '../trust/policies.js';
import { positive, wholeNumber } from './options.js';
import { note, printJson, printTable } from './output.js';

export interface CompareFlags {
  /** true: no policy was named. */
  compare?: true | string[];
  cooldown?: number;
  outageRun?: number;
}

const defaultCooldownSeconds = 60;
const defaultOutageRun = 10;

export function compareOptions(command: Command): Command {
  return command
    .option(
      '--compare [policies...]',
      'how soon and how falsely circuits would have opened by the mean, on a change, and under these policies of the ' +
        'config, each held to every pair',
    )
    .option(
      '--cooldown <seconds>',
      `cooldown of mean and change (default: ${defaultCooldownSeconds})`,
      positive('--cooldown'),
    )
    .option(
      '--outage-run <failures>',
      `how many failures of a pair in a row are an outage (default: ${defaultOutageRun})`,
      wholeNumber('--outage-run'),
    );
}

/** What is compared on a replay; null: nothing is asked for. */
export interface Comparison {
  event(event: InteractionToApply): void;
  print(json: boolean): void;
}

/** @throws FulcrumError `usage` for a policy that the config does not have, or flags that belong to a comparison */
export function comparisonOf(flags: CompareFlags, config: Config): Comparison | null {
  const { compare, cooldown = defaultCooldownSeconds, outageRun = defaultOutageRun } = flags;
  if (compare === undefined) {
    if (flags.cooldown !== undefined || flags.outageRun !== undefined)
      throw new FulcrumError('usage', '--cooldown and --outage-run belong to --compare');
    return null;
  }
  const rules = rulesOf(compare === true ? [] : compare, cooldown, config);
  const counters = rules.map((rule) => new RuleCounter(rule, outageRun));
  return {
    event: (event) => {
      const key = `${event.tenant}/${event.pairId}`;
      for (const counter of counters) counter.event(key, event);
    },
    print: (json) => {
      const figures = counters.map((counter) => counter.figures());
      if (json) printJson(figures);
      else printFigures(figures, outageRun);
    },
  };
}

function rulesOf(named: readonly string[], cooldown: number, config: Config) {
  const document = policyDocument(config);
  const { all } = new PolicyBook(document);
  const { timedRecovery } = config;
  const standard: TrustConfigOptions = {
    ...document.default,
    recoveryCooldownSeconds: cooldown,
    probes: 'any',
  };
  return [
    policyRule('mean', new TrustConfig({ ...standard, opening: 'mean' }), timedRecovery),
    policyRule('change', new TrustConfig({ ...standard, opening: 'change' }), timedRecovery),
    ...named.map((name) => {
      const policy = all.find((one) => one.name === name);
      if (policy !== undefined) return policyRule(name, policy.config, timedRecovery);
      const known = all.map((one) => one.name);
      throw new FulcrumError('usage', `--compare ${name}: no policy of the config${suggestion(name, known)}`);
    }),
  ];
}

function printFigures(figures: readonly RuleFigures[], outageRun: number): void {
  const found = figures[0] ?? { outages: 0, goodEvents: 0 };
  printTable([
    [
      'rule',
      'closed before',
      'within 5',
      'p95 failures',
      'missed',
      'false',
      'per 10,000',
      'seconds to close',
    ],
    ...figures.map((one) => [
      one.rule,
      one.closedBefore,
      one.within5,
      one.p95Failures ?? '-',
      one.missed,
      one.falseOpenings,
      one.falsePer10000.toFixed(2),
      one.medianSecondsToClose === null ? '-' : Math.round(one.medianSecondsToClose),
    ]),
  ]);
  note(
    `${found.outages} outages (runs of ${outageRun} failures or more), ${found.goodEvents} events outside them; of the ` +
      'outages that began with a closed circuit: opened within 5 failures, failures until 95 % of them opened, never ' +
      'opened; openings outside outages; median from the end of an outage to the close',
  );
}
