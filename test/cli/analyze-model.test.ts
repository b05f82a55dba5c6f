import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AnalysisResult, resultSchema } from '../../src/rlm/result.js';
import { commandLine, jsonLines } from '../helpers/cli.js';
import { fakeEndpoint } from '../rlm/model/fake-endpoint.js';

const { run, fresh } = commandLine();
const key = 'sk-of-the-command-line';

const loop = {
  id: 'loops',
  turns: Array.from({ length: 4 }, (_, i) => ({
    speaker: 'coder',
    text: 'I will now open the price list and check its currency.',
    event_id: `run/${i}`,
  })),
};

function fileOf(...lines: readonly unknown[]): string {
  const file = `${fresh()}.jsonl`;
  writeFileSync(
    file,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return file;
}

const agrees = `\`\`\`js
updateAnswer({ verdict: "repetition", confidence: 0.9, summary: "It opens the list four times.",
  evidence: [{ handle: handles()[0], turns: [0, 1, 2, 3] }] });
\`\`\``;

const resultsOf = (stdout: string): AnalysisResult[] =>
  jsonLines(stdout).map((line) => resultSchema.parse(line));

describe.concurrent('analyze with a model', () => {
  it('asks it about each line, and leaves a trace of each that can be shown and replayed', async () => {
    const { url, asked } = await fakeEndpoint([agrees]);
    const traces = fresh();
    const { code, stdout, stderr } = await run(
      [
        'analyze',
        fileOf(loop, 'no', { ...loop, id: 'again' }),
        '--json',
        '--model',
        'small',
        '--model-url',
        url,
        '--trace',
        traces,
      ],
      { environment: { FULCRUM_MODEL_KEY: key } },
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/line 2 is not JSON/);
    const [first, second, third] = resultsOf(stdout);
    expect(first).toMatchObject({ id: 'loops', verdict: 'repetition' });
    expect(first?.tokens).toBeGreaterThan(0);
    expect([second?.verdict, second?.tokens, third?.id]).toEqual(['inconclusive', 0, 'again']);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${key}`, `Bearer ${key}`]);
    expect(readdirSync(traces).sort()).toEqual(
      [`${first?.trace_id}.jsonl`, `${third?.trace_id}.jsonl`].sort(),
    );

    const file = join(traces, `${first?.trace_id}.jsonl`);
    const shown = await run(['trace', file]);
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain('loops  4 turns, model small');
    expect(shown.stdout).toContain('ask      root');
    expect(shown.stdout).toContain('replayed: the same result');
    const [replayed] = jsonLines<{ result: unknown; differences: string[] }>(
      (await run(['trace', file, '--json'])).stdout,
    );
    expect(replayed).toMatchObject({ result: first, differences: [] });

    const changed = fresh();
    writeFileSync(
      changed,
      readFileSync(file, 'utf8').replace(/"confidence":0\.\d+(?=[^\n]*\n$)/, '"confidence":0.1'),
    );
    const told = await run(['trace', changed]);
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('replayed otherwise: confidence: was 0.1, is 0.');
  });

  it('takes it from the environment, tells what it took, and keeps the key to itself', async () => {
    const { url } = await fakeEndpoint([agrees]);
    const { stdout } = await run(['analyze', fileOf(loop)], {
      environment: { FULCRUM_MODEL_URL: url, FULCRUM_MODEL_NAME: 'small', FULCRUM_MODEL_KEY: key },
    });
    expect(stdout).toMatch(/ \d+ tokens of the model, 0\.0000 USD\n/);
    const shown = await run(['config', '--json'], { environment: { FULCRUM_MODEL_KEY: key } });
    expect(shown.stdout).toContain('"key":"***"');
    expect(shown.stdout + shown.stderr).not.toContain(key);
  });

  it('ends with 0 and inconclusive when it is away', async () => {
    const { code, stdout } = await run([
      'analyze',
      fileOf(loop),
      '--json',
      '--model',
      'small',
      '--model-url',
      'http://127.0.0.1:1/v1',
      '--set',
      'model.attempts=1',
    ]);
    expect([code, resultsOf(stdout)[0]?.verdict]).toEqual([0, 'inconclusive']);
  });

  it.each([
    ['a model without an address', ['--model', 'small'], 'model.url is missing'],
    ['an address without a model', ['--model-url', 'http://127.0.0.1:1/v1'], 'model.name is missing'],
    ['an address that is none', ['--model', 'small', '--model-url', 'here'], 'model.url must be http'],
    ['a trace without a model', ['--trace', 'traces'], '--trace needs a model'],
    [
      'a folder that cannot be',
      ['--model', 's', '--model-url', 'http://127.0.0.1:1', '--trace', '/dev/null/x'],
      'traces cannot be written',
    ],
  ])('refuses %s with 2', async (_, flags, why) => {
    const { code, stdout, stderr } = await run(['analyze', fileOf(loop), ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(why);
  });

  it('shows no trace of what is none', async () => {
    expect((await run(['trace', 'nowhere.jsonl'])).code).toBe(3);
    const { code, stderr } = await run(['trace', fileOf(loop)]);
    expect(code).toBe(3);
    expect(stderr).toContain('line 1 is no record of a trace');
  });
});
