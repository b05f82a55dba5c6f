import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { redactor } from '../../../src/rlm/model/secrets.js';
import { replayTrace } from '../../../src/rlm/navigate/replay.js';
import { parseTrace, type TraceLine } from '../../../src/rlm/navigate/trace.js';
import { TraceFile } from '../../../src/rlm/navigate/trace-file.js';
import type { RunProgram } from '../../../src/rlm/ports.js';
import { freshPaths } from '../../helpers/folders.js';

const fresh = freshPaths();

const claim = { verdict: 'none' as const, confidence: 0.8, summary: 'They get on.', evidence: [] };
const rules = {
  verdict: 'none' as const,
  confidence: 0.9,
  summary: 'No loop. None near.',
  evidence: [],
  would_close: true,
};

/** The trace of a run whose one program records a step and answers. */
async function linesOf(
  changed: Partial<Record<'text' | 'step' | 'summary', string>> = {},
): Promise<TraceLine[]> {
  const { rootPrompt, promptFile } = await import('../../../src/rlm/navigate/prompts.js');
  const ask = { kind: 'ask' as const, max_answer_tokens: 900, cost: 0.5, cached: false, ms: 3 };
  return [
    {
      kind: 'start',
      format: 1,
      trace_id: 't',
      at: 1_800_000_000,
      id: 'a',
      session: 's',
      turns: 3,
      model: 'small',
      rounds: 4,
      root_answer_tokens: 900,
      program_limits: { memory_bytes: 1, stack_bytes: 1, cpu_ms: 1, deadline_ms: 1 },
      description: 'Three turns.',
      rules,
    },
    {
      ...ask,
      by: 'root',
      system: promptFile('root'),
      user: rootPrompt('Three turns.', [], 4),
      answer: { text: changed.text ?? '```js\nlook\n```' },
      prompt_tokens: 100,
      answer_tokens: 10,
    },
    { kind: 'program', round: 1, program: 'look\n' },
    {
      ...ask,
      by: 'sub',
      system: 's',
      user: 'u',
      answer: { text: '{}' },
      prompt_tokens: 20,
      answer_tokens: 2,
    },
    { kind: 'call', primitive: 'llmBatch', args: [['ctx://s/0000'], 'loop?'], answer: { value: [] }, ms: 1 },
    { kind: 'call', primitive: 'recordStep', args: [changed.step ?? 'seen'], answer: { value: null }, ms: 0 },
    { kind: 'call', primitive: 'updateAnswer', args: [claim], answer: { value: null }, ms: 0 },
    { kind: 'ended', round: 1, end: { kind: 'done' }, ms: 9 },
    { kind: 'claim', claim, finding: { kind: 'none', confidence: 0.8, reason: 'They get on.' } },
    {
      kind: 'result',
      result: {
        id: 'a',
        ...rules,
        summary: changed.summary ?? 'No loop. None near; the model found none either ("They get on.").',
        tokens: 132,
        cost: 1,
        trace_id: 't',
      },
      ms: 20,
    },
  ];
}

const written = (lines: readonly TraceLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Does what the program of the trace does. */
const look: RunProgram = async (_program, host) => {
  try {
    await host.call('llmBatch', [['ctx://s/0000'], 'loop?']);
    await host.call('recordStep', ['seen']);
    await host.call('updateAnswer', [claim]);
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', cause: error instanceof Error ? error.message : '' };
  }
};

describe('a trace', () => {
  it('replays to the same result, tokens and cost, without a model', async () => {
    const { result, differences } = await replayTrace(parseTrace(written(await linesOf())), look);
    expect(differences).toEqual([]);
    expect(result).toMatchObject({ verdict: 'none', tokens: 132, cost: 1, trace_id: 't' });
  });

  it.each([
    ['another result', { summary: 'A loop. Everywhere.' }, 'summary: was A loop. Everywhere., is No loop.'],
    [
      'another call',
      { step: 'not seen' },
      'call recordStep["not seen"] was made, the program now makes recordStep["seen"]',
    ],
    ['another program', { text: '```js\nother\n```' }, 'a program: was look'],
  ])('that was changed to %s says so', async (_, changed, difference) => {
    const { differences } = await replayTrace(parseTrace(written(await linesOf(changed))), look);
    expect(differences.join('\n')).toContain(difference);
  });

  it('whose run did not end is read, and not replayed', async () => {
    const trace = parseTrace(written((await linesOf()).slice(0, -1)));
    expect(trace.result).toBeNull();
    await expect(replayTrace(trace, look)).rejects.toThrow('the trace has no result');
  });

  it.each([
    ['nothing', '', 'line 1 is not the start of a trace'],
    ['no JSON', '{"kind"', 'line 1 is not JSON'],
    ['another record', '{"kind": "start", "format": 2}', 'line 1 is no record of a trace of format 1'],
  ])('of %s is refused', (_, text, why) => {
    expect(() => parseTrace(text)).toThrow(why);
  });
});

describe('the file of a trace', () => {
  it('is for its owner alone, named by its id, and has no secret in it', async () => {
    const folder = join(fresh(), 'deep');
    const file = new TraceFile(folder, redactor(['sk-"quoted"-1', null, '']), 'id-1');
    file.write({ kind: 'program', round: 1, program: 'const key = "sk-\\"quoted\\"-1 sk-"quoted"-1"' });
    file.close();
    expect(readdirSync(folder)).toEqual(['id-1.jsonl']);
    const path = join(folder, 'id-1.jsonl');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('***');
    expect(readFileSync(path, 'utf8')).not.toContain('sk-\\"quoted\\"-1"');
  });

  it('is refused where its folder cannot be', () => {
    const path = fresh();
    writeFileSync(path, '');
    expect(() => new TraceFile(path, (text) => text)).toThrow('traces cannot be written to');
  });

  it('that cannot be written any more is not pointed to', () => {
    const folder = fresh();
    mkdirSync(folder);
    const file = new TraceFile(folder, () => {
      throw new Error('never');
    });
    expect(file.id).not.toBeNull();
    file.close();
    expect(() => file.write({ kind: 'program', round: 1, program: '' })).not.toThrow();
  });
});
