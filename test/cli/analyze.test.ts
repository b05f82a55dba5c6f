import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnalysisResult, resultSchema } from '../../src/rlm/result.js';
import { commandLine } from '../helpers/cli.js';
import { freshPaths } from '../helpers/folders.js';

const { run } = commandLine();
const path = freshPaths();

const loop = {
  id: 'loops',
  turns: Array.from({ length: 4 }, (_, i) => ({
    speaker: 'coder',
    text: 'I will now open the price list and check its currency.',
    time: i % 2 === 0 ? 1_700_000_000 + i : '2026-11-23T09:30:00Z',
    event_id: `run/${i}`,
  })),
};
const fine = { turns: [{ speaker: 'a', text: 'The list has 412 rows.' }], label: 'of no concern' };

function fileOf(...lines: readonly unknown[]): string {
  const file = `${path()}.jsonl`;
  writeFileSync(
    file,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return file;
}

function resultsOf(stdout: string): AnalysisResult[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => resultSchema.parse(JSON.parse(line)));
}

describe.concurrent('analyze', () => {
  it('prints one result a line in the order of the file', async () => {
    const { code, stdout, stderr } = await run(['analyze', fileOf(loop, '', fine), '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const [first, second] = resultsOf(stdout);
    expect([first?.id, first?.verdict, first?.evidence[0]?.event_ids]).toEqual([
      'loops',
      'repetition',
      ['run/0', 'run/1', 'run/2', 'run/3'],
    ]);
    expect([second?.id, second?.verdict, second?.tokens, second?.trace_id]).toEqual([
      'line-3',
      'none',
      0,
      null,
    ]);
  });

  it('tells a reader what was found, where, and whether the circuit could close', async () => {
    const { stdout } = await run(['analyze', fileOf(loop)]);
    expect(stdout).toContain('loops  repetition  confidence 0.');
    expect(stdout).toContain('the circuit should stay open');
    expect(stdout).toContain('ctx://loops/0000, turns 0, 1, 2, 3');
  });

  it('says which line is bad and why, gives it a result, and goes on', async () => {
    const { code, stdout, stderr } = await run([
      'analyze',
      fileOf(
        '{"turns": [',
        { turns: [{ speaker: 'a' }] },
        { turns: [{ speaker: 'a', text: 'b', time: 'soon' }] },
        loop,
      ),
      '--json',
    ]);
    expect(code).toBe(0);
    const notes = stderr.trim().split('\n');
    expect(notes[0]).toMatch(/\.jsonl line 1 is not JSON: /);
    expect(notes[1]).toContain('line 2 turns[0].text: ');
    expect(notes[2]).toContain('line 3 turns[0].time: must be RFC 3339 or seconds since the epoch');
    const results = resultsOf(stdout);
    expect(results.map(({ verdict }) => verdict)).toEqual([
      'inconclusive',
      'inconclusive',
      'inconclusive',
      'repetition',
    ]);
    expect(results[0]?.summary).toContain('line 1 is not JSON');
  });

  it('stops at the first bad line when asked', async () => {
    const { code, stdout, stderr } = await run(['analyze', fileOf(fine, 'no', loop), '--json', '--strict']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/line 2 is not JSON/);
    expect(resultsOf(stdout)).toHaveLength(1);
  });

  it('names both numbers when a transcript goes over the budget', async () => {
    const { code, stdout, stderr } = await run([
      'analyze',
      fileOf(loop, fine),
      '--json',
      '--token-budget',
      '20',
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('has 22 tokens or more, the budget is 20');
    expect(resultsOf(stdout).map(({ verdict }) => verdict)).toEqual(['inconclusive', 'none']);
    expect((await run(['analyze', fileOf(loop), '--strict', '--token-budget', '20'])).code).toBe(3);
  });

  it('counts by the tokenizer of the config', async () => {
    const paths = { turns: [{ speaker: 'a', text: 'exports/prices-2026.csv exports/stock-2026.csv' }] };
    const args = ['analyze', fileOf(paths), '--json', '--token-budget', '5', '--set'];
    const by = async (tokenizer: string) => {
      const { stdout } = await run([...args, `analysis.tokenizer=${tokenizer}`]);
      return resultsOf(stdout).map(({ verdict }) => verdict);
    };
    expect(await by('whitespace')).toEqual(['none']);
    expect(await by('o200k_base')).toEqual(['inconclusive']);
    const { code, stderr } = await run([...args, 'analysis.tokenizer=gpt']);
    expect(code).toBe(2);
    expect(stderr).toContain('analysis.tokenizer');
    expect(stderr).toContain('o200k_base');
  });

  it('reads standard input as -', async () => {
    const { stdout } = await run(['analyze', '-', '--json'], { input: JSON.stringify(loop) });
    expect(resultsOf(stdout)[0]?.verdict).toBe('repetition');
  });

  it('refuses a file that is not there and a budget that is none', async () => {
    expect((await run(['analyze', 'nowhere.jsonl'])).code).toBe(3);
    expect((await run(['analyze', fileOf(fine), '--token-budget', 'many'])).code).toBe(2);
  });
});
