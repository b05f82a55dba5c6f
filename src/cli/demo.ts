import type { Command } from 'commander';
import { stories } from '../demo/fleet.js';
import { type PairReport, playFleet } from '../demo/run.js';
import { FulcrumError } from '../errors.js';
import { circuitLine, colours, print, printJson, printTable } from './output.js';

interface DemoFlags {
  seed: number;
  json?: boolean;
}

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .summary('watch a simulated fleet, with what goes wrong in it')
    .description(
      'Two hours of a simulated fleet of 35 agents, in a few seconds, through the real pipeline in memory: ' +
        'healthy pairs, a gratitude loop, a drifting agent, an outage that recovers, a retry storm that an ' +
        'operator ends, and a ping-pong under a policy in shadow mode. The same seed plays the same.',
    )
    .option('--seed <number>', 'another run of the same fleet', seedOf, 1)
    .option('--json', 'print circuit events and the closing table as JSON lines')
    .action(async (flags: DemoFlags) => {
      const json = flags.json === true;
      if (!json) print(`${colours.bold('A fleet of agents, two hours of its life')} (seed ${flags.seed})\n`);
      const reports = await playFleet(flags.seed, (event, seconds) => {
        if (json) printJson(event);
        else print(circuitLine(event, clockText(seconds)));
      });
      const rows = stories.map((story) => total(story, reports));
      if (json) for (const row of rows) printJson(row);
      else printClosing(rows);
    });
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new FulcrumError('usage', `--seed ${text}: must be a whole number >= 0`);
  return seed;
}

type Row = Omit<PairReport, 'state' | 'story'> & { readonly story: string; pairs: number; atEnd: string };

function total(story: string, reports: readonly PairReport[]): Row {
  const own = reports.filter((report) => report.story === story);
  const sum = (
    field: 'interactions' | 'stopped' | 'opened' | 'halfOpened' | 'closed' | 'closedByTime',
  ): number => own.reduce((all, report) => all + report[field], 0);
  return {
    story,
    pairs: own.length,
    interactions: sum('interactions'),
    opened: sum('opened'),
    halfOpened: sum('halfOpened'),
    closed: sum('closed'),
    closedByTime: sum('closedByTime'),
    stopped: sum('stopped'),
    atEnd: [...new Set(own.map(({ state }) => state))].join(', '),
  };
}

function printClosing(rows: readonly Row[]): void {
  print();
  printTable([
    [
      'what happened',
      'pairs',
      'interactions',
      'opened',
      'half-opened',
      'closed',
      'closed by time',
      'calls saved',
      'at the end',
    ],
    ...rows.map((row) => [
      row.story,
      row.pairs,
      row.interactions,
      row.opened,
      row.halfOpened,
      row.closed,
      row.closedByTime,
      row.stopped,
      row.atEnd,
    ]),
  ]);
  const saved = rows.reduce((all, row) => all + row.stopped, 0);
  print(`\n${saved} calls were not made, because a circuit was open. Next: fulcrum-trust up --help`);
}

/** Seconds since the start as h:mm:ss. */
function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  const part = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3_600)}:${part(Math.floor(whole / 60) % 60)}:${part(whole % 60)}`;
}
