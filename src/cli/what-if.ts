/** `replay --what-if`: the policies of another file beside the current ones, on a log. */
import type { Command } from 'commander';
import { type PairFigures, type Policies, WhatIf, type WhatIfFigures } from '../compare/what-if.js';
import { type Config, type ConfigOverrides, loadConfig, policyDocument } from '../config.js';
import { counted } from '../counted.js';
import { FulcrumError } from '../errors.js';
import { PolicyBook } from '../trust/policies.js';
import type { Comparison } from './compare.js';
import { note, printJson, printTable, showTime } from './output.js';

export interface WhatIfFlags {
  whatIf?: string;
  compare?: unknown;
}

export function whatIfOption(command: Command): Command {
  return command.option(
    '--what-if <file>',
    'which circuits would have opened, and when, under the trust, policies and timedRecovery of this config file, ' +
      'beside the current ones',
  );
}

/**
 * What is compared on a replay; null: nothing is asked for.
 *
 * @param overrides what the command line sets, for both sides
 * @throws FulcrumError `config` naming the file, the line, the key and the rule
 */
export function whatIfOf(
  { whatIf: file, compare }: WhatIfFlags,
  config: Config,
  overrides: ConfigOverrides,
): Comparison | null {
  if (file === undefined) return null;
  if (compare !== undefined)
    throw new FulcrumError('usage', '--what-if and --compare are two questions: ask one at a time');
  const whatIf = new WhatIf(policiesOf(config), policiesOf(loadConfig(file, overrides).config));
  return {
    event: (event) => whatIf.event(event),
    print: (json) => {
      const figures = whatIf.figures();
      if (json) printJson(figures);
      else printFigures(figures, file);
    },
  };
}

function policiesOf(config: Config): Policies {
  return { book: new PolicyBook(policyDocument(config)), timedRecovery: config.timedRecovery };
}

function printFigures({ pairs, current, whatIf, opened }: WhatIfFigures, file: string): void {
  const rows = opened.map((pair) => [
    `${pair.tenant}/${pair.agentA} ↔ ${pair.agentB}`,
    ...cellsOf(pair.current),
    ...cellsOf(pair.whatIf),
  ]);
  if (rows.length > 0)
    printTable([['pair', 'current: opened first', 'times', 'what if: opened first', 'times'], ...rows]);
  note(
    `of ${counted(pairs, 'pair')} ${current.pairsOpened} opened under the current policies, ` +
      `${counted(current.openings, 'time')}, with ${current.openAtEnd} open at the end; under ${file} ` +
      `${whatIf.pairsOpened}, ${counted(whatIf.openings, 'time')}, with ${whatIf.openAtEnd}. Callers would have had to ` +
      `stop for ${counted(current.pairsStopped, 'pair')} and for ${whatIf.pairsStopped}`,
  );
}

function cellsOf({ policy, enforced, openedAt }: PairFigures): [string, number] {
  const [first] = openedAt;
  if (first === undefined) return ['-', 0];
  return [`${showTime(first)} ${policy}${enforced ? '' : ' (shadow)'}`, openedAt.length];
}
