import { describe, expect, it } from 'vitest';
import { Context, ContextExhausted, handleOf, Partitioner } from '../../src/rlm/context.js';
import { splitByTokens, whitespaceTokens } from '../../src/rlm/tokens.js';
import { talk } from './transcripts.js';

const words = (count: number): string => Array.from({ length: count }, (_, i) => `w${i}`).join(' ');

describe('partitions', () => {
  it('take whole turns while there is room, and a new one begins where there is none', async () => {
    const context = await Context.of('s', talk(`a: ${words(1_500)}`, `b: ${words(500)}`, `a: ${words(100)}`));
    expect(
      context.partitions.map(({ handle, tokens, firstTurn, lastTurn }) => [
        handle,
        tokens,
        firstTurn,
        lastTurn,
      ]),
    ).toEqual([
      ['ctx://s/0000', 2_000, 0, 1],
      ['ctx://s/0001', 100, 2, 2],
    ]);
    expect(context.get('ctx://s/0001')?.text).toBe(`a: ${words(100)}`);
    expect(context.get('ctx://s/0002')).toBeUndefined();
  });

  it('cut only a turn that is larger than a partition, and lose nothing of it', async () => {
    const text = words(5_000);
    const context = await Context.of('s', talk('a: hello', `b: ${text}`, 'a: bye'));
    expect(context.partitions.every(({ tokens }) => tokens <= 2_048)).toBe(true);
    expect(context.tokens).toBe(5_002);
    const pieces = context.partitions.filter(({ firstTurn, lastTurn }) => firstTurn <= 1 && lastTurn >= 1);
    const rest = pieces
      .map(
        (one) =>
          one.text
            .split('\n')
            .find((line) => line.startsWith('b: '))
            ?.slice(3) ?? '',
      )
      .join('');
    expect(rest).toBe(text);
  });

  it('are found under handles of four digits and more, the session percent-encoded', () => {
    expect(handleOf('run/7 a', 3)).toBe('ctx://run%2F7%20a/0003');
    expect(handleOf('s', 12_345)).toBe('ctx://s/12345');
  });

  it('are the same for whoever places turns one at a time', async () => {
    const turns = talk(...Array.from({ length: 40 }, (_, i) => `a: ${words(i * 17)}`));
    const partitioner = new Partitioner('s', { partitionTokens: 300 });
    const placed = turns.map(({ text }) => partitioner.place(text));
    const context = await Context.of('s', turns, { partitionTokens: 300 });
    expect(partitioner.count).toBe(context.partitions.length);
    expect(partitioner.tokens).toBe(context.tokens);
    turns.forEach((_, turn) => {
      const partition = context.partitions[placed[turn] as number];
      expect((partition?.firstTurn ?? 99) <= turn && turn <= (partition?.lastTurn ?? -1)).toBe(true);
    });
  });

  it('have a middle: all but the first and the last tenth, all where there are two', async () => {
    const of = (turns: number) =>
      Context.of('s', talk(...Array.from({ length: turns }, () => `a: ${words(10)}`)), {
        partitionTokens: 10,
      });
    expect((await of(20)).middleHandles()).toHaveLength(16);
    expect((await of(20)).middleHandles()[0]).toBe('ctx://s/0002');
    expect((await of(2)).middleHandles()).toHaveLength(2);
  });
});

describe('the token budget', () => {
  it('is refused with both numbers when a transcript goes over it', async () => {
    const error = await Context.of('s', talk(`a: ${words(90)}`, `b: ${words(20)}`), {
      tokenBudget: 100,
    }).catch((e) => e);
    expect(error).toBeInstanceOf(ContextExhausted);
    expect([error.tokens, error.budget, error.code]).toEqual([110, 100, 'context_exhausted']);
    expect(error.message).toContain('110 tokens or more, the budget is 100');
  });

  it('is 128,000 tokens where none is named, and may be used to the last', () => {
    const partitioner = new Partitioner('s');
    partitioner.place(words(128_000));
    expect(() => partitioner.place('more')).toThrow(ContextExhausted);
  });

  it('has to be a whole number above 0', () => {
    for (const tokenBudget of [0, -1, 1.5, Number.NaN])
      expect(() => new Partitioner('s', { tokenBudget })).toThrow(`tokenBudget ${tokenBudget}: must be`);
  });

  it('counts what the given tokenizer counts', () => {
    const partitioner = new Partitioner('s', {
      counter: { name: 'characters', count: (text) => text.length },
      tokenBudget: 8,
    });
    partitioner.place('12345');
    expect(() => partitioner.place('6789')).toThrow(ContextExhausted);
  });
});

describe('tokens', () => {
  it('are runs of characters between white space', () => {
    for (const text of ['', '  ', 'a', ' a  b\n\tc ', 'ä\u00a0ö', '漢字 \u3000 x'])
      expect(whitespaceTokens.count(text), JSON.stringify(text)).toBe(text.match(/\S+/g)?.length ?? 0);
  });

  it('are never lost when a text is cut, nor is a character halved', () => {
    const characters = { name: 'characters', count: (text: string) => text.length };
    for (const text of ['😀'.repeat(50), `${'x'.repeat(90)} y`, words(100)]) {
      const pieces = splitByTokens(text, 7, characters);
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((piece) => piece.isWellFormed() && piece.length <= 7)).toBe(true);
    }
  });
});
