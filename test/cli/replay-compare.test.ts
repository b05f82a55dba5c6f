import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RuleFigures } from '../../src/compare/outages.js';
import { commandLine, jsonLines } from '../helpers/cli.js';

const { fresh, run } = commandLine();

/** A long good history, an outage of twelve failures, and a good end; then the same pair's neighbour, never failing. */
function logOf(): string {
  const outcomes = [
    ...Array(200).fill('success'),
    ...Array(12).fill('failure'),
    ...Array(50).fill('success'),
  ];
  const lines = outcomes.flatMap((outcome, i) => {
    const time = 1_700_000_000 + 60 * i;
    return [
      { agent_a: 'caller', agent_b: 'backend', outcome, time },
      { agent_a: 'caller', agent_b: 'cache', outcome: 'success', time },
    ];
  });
  const path = `${fresh()}.ndjson`;
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  return path;
}

function configOf(): string {
  const path = `${fresh()}.yaml`;
  writeFileSync(
    path,
    'policies: [{ name: quick, trust: { opening: change, recoveryCooldownSeconds: 60, evidence: 100 } }]',
  );
  return path;
}

describe.concurrent('replay --compare', () => {
  it('ends with one object a rule: the mean, a change, and each policy that is named', async () => {
    const args = ['--compare', 'quick', '--cooldown', '120', '--config', configOf(), '--json'];
    const { code, stdout } = await run(['replay', logOf(), ...args]);
    expect(code).toBe(0);
    const figures = jsonLines<RuleFigures[]>(stdout).at(-1) ?? [];
    expect(figures.map(({ rule }) => rule)).toEqual(['mean', 'change', 'quick']);
    expect(figures[0]).toMatchObject({ outages: 1, closedBefore: 1, within5: 0, missed: 1 });
    expect(figures[1]).toEqual({
      rule: 'change',
      openings: 1,
      outages: 1,
      closedBefore: 1,
      within5: 1,
      p95Failures: 5,
      missed: 0,
      falseOpenings: 0,
      goodEvents: 512,
      falsePer10000: 0,
      medianSecondsToClose: 7 * 60,
    });
    expect(figures[2]).toMatchObject({ p95Failures: 3 });
  });

  it('prints a table, also where the file stands after the policies', async () => {
    const { code, stdout, stderr } = await run([
      'replay',
      '--outage-run',
      '13',
      '--compare',
      'default',
      logOf(),
    ]);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/\s/)[0]),
    ).toEqual(['rule', 'mean', 'change', 'default']);
    expect(stderr).toContain('0 outages (runs of 13 failures or more), 524 events outside them');
  });

  it.each([
    [
      ['--compare', 'quik', '--config', configOf()],
      '--compare quik: no policy of the config, did you mean quick?',
    ],
    [['--cooldown', '5'], '--cooldown and --outage-run belong to --compare'],
    [['--outage-run', '0', '--compare'], '--outage-run 0: must be a whole number > 0'],
    [['--data', 'somewhere', '--compare'], 'leave out --data'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(['replay', logOf(), ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
