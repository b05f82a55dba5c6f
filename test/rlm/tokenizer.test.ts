import { describe, expect, it } from 'vitest';
import { analyzeTranscript } from '../../src/rlm/analyze.js';
import { Context } from '../../src/rlm/context.js';
import { tokenCounter, tokenizers } from '../../src/rlm/tokenizer.js';
import { times } from './transcripts.js';

describe('a tokenizer', () => {
  it.each([
    // As the models' own tokenizers count them.
    ['o200k_base', 'The price list has 412 rows.', 8],
    ['cl100k_base', 'The price list has 412 rows.', 8],
    ['whitespace', 'The price list has 412 rows.', 6],
    ['o200k_base', '', 0],
  ] as const)('%s counts %j', async (name, text, tokens) => {
    const counter = await tokenCounter(name);
    expect(counter.name).toBe(name);
    expect(counter.count(text)).toBe(tokens);
  });

  it.each(tokenizers)('%s takes the control tokens of a model for text', async (name) => {
    expect((await tokenCounter(name)).count('<|endoftext|> <|im_start|>')).toBeGreaterThan(1);
  });

  it('of a model decides where partitions end, and when the budget is spent', async () => {
    const counter = await tokenCounter('o200k_base');
    const turns = times(40, 'a: Row {i} of exports/prices-{i}.csv was uploaded, 14.{i} euros.');
    const bySpace = await Context.of('s', turns, { partitionTokens: 64 });
    const byModel = await Context.of('s', turns, { partitionTokens: 64, counter });
    expect(byModel.tokens).toBeGreaterThan(2 * bySpace.tokens);
    expect(byModel.partitions.length).toBeGreaterThan(2 * bySpace.partitions.length);
    const tokenBudget = bySpace.tokens;
    await expect(analyzeTranscript({ id: 'a', session: 's', turns }, { tokenBudget })).resolves.toBeDefined();
    await expect(
      analyzeTranscript({ id: 'a', session: 's', turns }, { tokenBudget, counter }),
    ).rejects.toMatchObject({ code: 'context_exhausted' });
  });
});
