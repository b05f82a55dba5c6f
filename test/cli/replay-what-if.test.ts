import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PairComparison, WhatIfFigures } from '../../src/compare/what-if.js';
import type { ReplaySummary } from '../../src/runtime/replay-counter.js';
import { commandLine, type Ended, jsonLines } from '../helpers/cli.js';
import { bitcoinColumns as columns, bitcoinRatings as ratings } from '../helpers/shared.js';

const { fresh, run } = commandLine();

function fileOf(text: string, extension: string): string {
  const path = `${fresh()}.${extension}`;
  writeFileSync(path, text);
  return path;
}

/** Three failures of one pair, a minute apart, and one of another. */
function logOf(): string {
  const failure = (agent: string, minutes: number) =>
    JSON.stringify({
      agent_a: 'caller',
      agent_b: agent,
      outcome: 'failure',
      time: 1_700_000_000 + 60 * minutes,
    });
  return fileOf(
    [failure('tool', 0), failure('tool', 1), failure('coder', 1), failure('tool', 2)].join('\n'),
    'ndjson',
  );
}

const figuresOf = ({ stdout }: Ended): WhatIfFigures =>
  jsonLines<WhatIfFigures>(stdout).at(-1) as WhatIfFigures;

describe.concurrent('replay --what-if', () => {
  it('says which pairs would have opened and when, under the current policies and under the file', async () => {
    const current = fileOf('timedRecovery: false', 'yaml');
    const whatIf = fileOf(
      `timedRecovery: false
trust: { threshold: 0.4 }
policies:
  - { name: tools, match: { agents: ['*', 'tool*'] }, trust: { threshold: 0.22 }, enforced: false }`,
      'yaml',
    );
    const ended = await run(['replay', logOf(), '--config', current, '--what-if', whatIf, '--json']);
    expect(ended).toMatchObject({ code: 0 });
    const tool: PairComparison = {
      tenant: 'default',
      agentA: 'caller',
      agentB: 'tool',
      current: { policy: 'default', enforced: true, openedAt: [1_700_000_060], endsAs: 'OPEN' },
      whatIf: { policy: 'tools', enforced: false, openedAt: [1_700_000_120], endsAs: 'OPEN' },
    };
    const coder: PairComparison = {
      tenant: 'default',
      agentA: 'caller',
      agentB: 'coder',
      current: { policy: 'default', enforced: true, openedAt: [], endsAs: 'CLOSED' },
      whatIf: { policy: 'default', enforced: true, openedAt: [1_700_000_060], endsAs: 'OPEN' },
    };
    expect(figuresOf(ended)).toEqual({
      pairs: 2,
      current: { pairsOpened: 1, pairsStopped: 1, openings: 1, openAtEnd: 1 },
      whatIf: { pairsOpened: 2, pairsStopped: 1, openings: 2, openAtEnd: 2 },
      opened: [tool, coder],
    });
  });

  it('prints a table of the pairs that opened', async () => {
    const { stdout } = await run([
      'replay',
      logOf(),
      '--what-if',
      fileOf('trust: { threshold: 0.22 }', 'yaml'),
    ]);
    expect(stdout).toMatch(/pair +current: opened first +times +what if: opened first +times/);
    expect(stdout).toMatch(
      /default\/caller ↔ tool +2023-11-14T22:14:20Z default +1 +2023-11-14T22:15:20Z default +1/,
    );
  });

  it.each([
    [0.22, '1, 1 time, with 1', 'and for 1'],
    [0.4, '2, 2 times, with 2', 'and for 2'],
    [0.1, '0, 0 times, with 0', 'and for 0'],
  ])('sums up in a sentence, of one as of many: threshold %s', async (threshold, whatIf, stops) => {
    const file = fileOf(`trust: { threshold: ${threshold} }`, 'yaml');
    const { stderr } = await run(['replay', logOf(), '--what-if', file]);
    expect(stderr).toContain(
      `of 2 pairs 1 opened under the current policies, 1 time, with 1 open at the end; under ${file} ${whatIf}. ` +
        `Callers would have had to stop for 1 pair ${stops}`,
    );
  });

  it.each([
    ['trust:\n  threshold: 2', 'threshold must be in (0, 1), both ends excluded, got 2 (line 2)'],
    [
      'policies:\n  - name: tools\n    trust:\n      threshold: 2',
      'policy tools: threshold must be in (0, 1), both ends excluded, got 2 (line 4)',
    ],
    ['trust:\n  thresold: 0.2', 'unknown key trust.thresold, did you mean threshold? (line 2)'],
    [
      'policies:\n  - match: {}',
      'policies.0.name: Invalid input: expected string, received undefined (line 2)',
    ],
    ['policies: [', 'at line 1, column 12'],
  ])('refuses %j with the file, the line and the rule', async (text, message) => {
    const file = fileOf(text, 'yaml');
    const { code, stderr } = await run(['replay', logOf(), '--what-if', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(file);
    expect(stderr).toContain(message);
  });

  it('judges a whole log, and answers one question at a time', async () => {
    const whatIf = ['--what-if', fileOf('trust: {}', 'yaml')];
    const withData = await run(['replay', logOf(), '--data', fresh(), ...whatIf]);
    expect(withData).toMatchObject({ code: 2 });
    expect(withData.stderr).toContain('leave out --data');
    const withCompare = await run(['replay', logOf(), ...whatIf, '--compare']);
    expect(withCompare.stderr).toContain('ask one at a time');
  });
});

describe.skipIf(ratings === null)('replay --what-if on the ratings of the Bitcoin OTC exchange', () => {
  it.each([['with'], ['without']])(
    'comes to what a replay under each file says, %s recovery by time',
    async (how) => {
      const common = ['replay', ratings ?? '', ...columns, '--into-agent', 'community', '--json'];
      const flags = how === 'with' ? common : [...common, '--no-timed-recovery'];
      const file = fileOf('trust: { threshold: 0.25 }', 'yaml');
      const [both, ...alone] = await Promise.all([
        run([...flags, '--what-if', file]),
        run(flags),
        run([...flags, '--config', file]),
      ]);
      const { pairs, current, whatIf } = figuresOf(both);
      for (const [i, side] of [current, whatIf].entries()) {
        const summary = jsonLines<ReplaySummary>(alone[i]?.stdout ?? '').at(-1);
        expect({ pairs, ...side }).toMatchObject({
          pairs: summary?.pairs,
          pairsOpened: summary?.everOpened,
          openings: summary?.opened,
          openAtEnd: summary?.openAtEnd,
        });
      }
      expect(whatIf.pairsOpened).toBeLessThan(current.pairsOpened);
    },
  );
});
