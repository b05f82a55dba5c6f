import { describe, expect, it } from 'vitest';
import { analysisOf, talk, times } from './transcripts.js';

const opening = talk(
  'planner: We have to move the price list of 2026 to the new shop before Friday.',
  'coder: The list has 412 rows, I found it in exports/prices.csv.',
);

describe('the verdict of a transcript', () => {
  it('is repetition when one speaker says the same again word for word', async () => {
    const { verdict, evidence } = await analysisOf([
      ...opening,
      ...times(4, 'coder: I will now open the price list and check its currency.'),
    ]);
    expect(verdict).toBe('repetition');
    expect(evidence[0]?.turns).toEqual([2, 3, 4, 5]);
  });

  it('is repetition when the same is asked in nearly the same words while the answers differ', async () => {
    const { verdict, evidence } = await analysisOf([
      ...opening,
      ...talk(
        'planner: Please search for the shipping costs to Norway and note the source.',
        'coder: The first page has a table of parcels by weight, from 2021.',
        'planner: Please search again for the shipping costs to Norway and note the source.',
        'coder: This one is about letters; there is a link to the customs office.',
        'planner: Search for the shipping costs to Norway, please, and note the source.',
        'coder: I scrolled down and see opening hours of a branch in Bergen.',
      ),
    ]);
    expect(verdict).toBe('repetition');
    expect(evidence[0]?.turns).toEqual([2, 4, 6]);
  });

  it('is repetition when the same call gives the same under changing words', async () => {
    const call = '{"tool":"find","path":"/home/user","result":{"files":[]}}';
    const { verdict } = await analysisOf(
      talk(
        `agent: I look for the report in your documents. ${call}`,
        `agent: Nothing there, so let me try every folder below. ${call}`,
        `agent: Perhaps another ending was used for that file? ${call}`,
      ),
    );
    expect(verdict).toBe('repetition');
  });

  it('is ping_pong when two agents hand a matter to each other', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...times(4, 'a: Ticket 77 is yours, please handle it.', 'b: I am handing ticket 77 back to you.'),
    ]);
    expect(verdict).toBe('ping_pong');
  });

  it('is cycle when three turns come round, whatever counts them', async () => {
    const { verdict, evidence } = await analysisOf([
      ...opening,
      ...times(
        4,
        'planner: Round {i}: draft the outline of section two.',
        'writer: The outline is drafted, the critic may look.',
        'critic: The outline is too long, draft it anew.',
      ),
    ]);
    expect(verdict).toBe('cycle');
    expect(evidence[0]?.turns).toHaveLength(12);
  });

  it('is gratitude when the agents thank each other on and on, in other words each time', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        'a: Thank you so much for your help!',
        'b: You are very welcome, happy to help.',
        'a: I really appreciate your kind support.',
        'b: The pleasure was all mine, thanks again.',
        'a: Thanks, have a wonderful day!',
        'b: You too, take care, goodbye!',
        'a: Goodbye, and thank you once more.',
      ),
    ]);
    expect(verdict).toBe('gratitude');
  });

  it('is agreement when they agree and add nothing', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        'a: I agree completely.',
        'b: Yes, that makes perfect sense.',
        'a: Exactly, we are on the same page.',
        'b: Absolutely, great point.',
        'a: Agreed, sounds good to me.',
        'b: Indeed, I think so too.',
      ),
    ]);
    expect(verdict).toBe('agreement');
  });

  it('is error_retry when the same is tried and fails, whatever the request was called', async () => {
    const turns = ['8f3a91', '77be02', 'c01d55', '9a0e31', '5d5d10'].flatMap((request, i) =>
      talk(
        `agent: Uploading prices.csv to shop-2, attempt ${i + 1}.`,
        `tool: Error: connection to shop-2 refused (request ${request}).`,
      ),
    );
    expect((await analysisOf([...opening, ...turns])).verdict).toBe('error_retry');
  });

  it('is stall when nothing new is said for long', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...times(
        4,
        'a: Any news about the invoice format?',
        'b: I am still looking into the invoice format.',
        'a: How far are we with the invoice format?',
        'b: No update on the invoice format so far.',
      ),
    ]);
    expect(['stall', 'cycle']).toContain(verdict);
  });

  it('is none when each turn says something else', async () => {
    const { verdict, evidence, would_close, summary } = await analysisOf([
      ...opening,
      ...talk('planner: Convert the currency first.', 'coder: Done, 3 rows had none and are in the log.'),
    ]);
    expect([verdict, evidence, would_close]).toEqual(['none', [], true]);
    expect(summary).toMatch(/^No loop was found in 4 turns\. .+\.$/);
  });

  it('is inconclusive when there is nothing to read', async () => {
    const { verdict, confidence, would_close } = await analysisOf(talk('a: ', 'b:  '));
    expect([verdict, confidence, would_close]).toEqual(['inconclusive', 0, false]);
    expect((await analysisOf([])).verdict).toBe('inconclusive');
  });
});

describe('what only looks like a loop', () => {
  it('is no loop: a poll that advances', async () => {
    const polls = [4, 19, 33, 52, 71, 90].flatMap((percent) =>
      talk('a: What is the state of export 12?', `b: Export 12 is still running, ${percent}% done.`),
    );
    expect((await analysisOf(polls)).verdict).toBe('none');
  });

  it('is no loop: a wait that ends', async () => {
    const { verdict } = await analysisOf([
      ...times(
        12,
        'a: {"tool":"job_status","job":"export-12"}',
        'b: {"job":"export-12","state":"pending in the queue"}',
      ),
      ...talk('b: {"job":"export-12","state":"finished"}'),
    ]);
    expect(verdict).toBe('none');
  });

  it('is a loop after all: a wait that goes nowhere for very long', async () => {
    expect(
      (
        await analysisOf(
          times(60, 'a: Is the export of the price list there?', 'b: It is still pending, not ready yet.'),
        )
      ).verdict,
    ).not.toBe('none');
  });

  it('is no loop: one form for many ids', async () => {
    expect(
      (await analysisOf(times(30, 'worker: Converted record R-{i} of the customer table.'))).verdict,
    ).toBe('none');
  });

  it('is no loop: one form for many names', async () => {
    const names = 'Amara Bilal Chen Dora Emil Farah Goran Hana Igor Jamila Kofi Lena'.split(' ');
    const turns = talk(
      ...names.map((name) => `clerk: Asked ${name} for the signed timeout form; the reply is filed.`),
    );
    expect((await analysisOf(turns)).verdict).toBe('none');
  });

  it('is no loop: a list that is worked through', async () => {
    const names = ['Amara', 'Bilal', 'Chen', 'Dora', 'Emil', 'Farah'];
    const turns = names.flatMap((name, i) =>
      talk(
        `lead: Please call the members who are left: ${names.slice(i).join(', ')}.`,
        `clerk: ${name} said ${i * 7}.`,
      ),
    );
    expect((await analysisOf(turns)).verdict).toBe('none');
  });

  it('is no loop: thanks that come with work', async () => {
    const parts = ['parser', 'lexer', 'linker', 'loader', 'printer', 'checker', 'runner', 'packer'];
    const turns = parts.flatMap((part, i) =>
      talk(
        `a: Thank you! Next please fix the ${part} in file${i}.ts.`,
        `b: Happy to help, the ${part} now passes ${i + 20} tests.`,
      ),
    );
    expect((await analysisOf(turns)).verdict).toBe('none');
  });

  it('is no loop: a recap that grows', async () => {
    const facts = [
      'rain delays the boats',
      'the pier is closed',
      'two crews are ill',
      'fuel went up',
      'a crane broke',
    ];
    const turns = facts.flatMap((fact, i) =>
      talk(
        `scout: I was at the harbour and saw that ${fact}.`,
        `lead: What we know so far: ${facts.slice(0, i + 1).join('; ')}.`,
      ),
    );
    expect((await analysisOf(turns)).verdict).toBe('none');
  });

  it('is no loop: two failures, and then it works', async () => {
    const { verdict } = await analysisOf([
      ...times(2, 'agent: Uploading prices.csv, attempt {i}.', 'tool: Error: connection refused.'),
      ...talk('agent: Uploading prices.csv, attempt 3.', 'tool: Stored, 412 rows.'),
    ]);
    expect(verdict).toBe('none');
  });
});

describe('would_close', () => {
  const loop = times(6, 'a: Ticket 77 is yours, please handle it.', 'b: I am handing ticket 77 back to you.');
  const goingOn = talk(
    ...'crane diesel anchor rudder galley tanker pilot buoy mast keel hull winch cargo ferry lock sluice'
      .split(' ')
      .map(
        (word, i) =>
          `${i % 2 === 0 ? 'a' : 'b'}: The ${word} report of berth ${i + 40} names ${i * 13} faults.`,
      ),
  );

  it('is false while the loop is the last that happened', async () => {
    expect((await analysisOf([...goingOn, ...loop])).would_close).toBe(false);
    expect((await analysisOf([...loop, ...goingOn.slice(0, 4)])).would_close).toBe(false);
  });

  it('is true when the talk went on to other things for as long as the loop took', async () => {
    const { verdict, would_close } = await analysisOf([...loop, ...goingOn]);
    expect([verdict, would_close]).toEqual(['ping_pong', true]);
  });
});

describe('evidence', () => {
  it('names the partition, the turns, the events and what was said', async () => {
    const turns = [
      ...opening,
      ...times(4, 'coder: I will now open the price list and check its currency.'),
    ].map((turn, i) => ({ ...turn, eventId: `run/${i}` }));
    const { evidence } = await analysisOf(turns);
    expect(evidence).toEqual([
      {
        handle: 'ctx://s/0000',
        turns: [2, 3, 4, 5],
        event_ids: ['run/2', 'run/3', 'run/4', 'run/5'],
        excerpt: Array.from(
          { length: 3 },
          () => 'coder: I will now open the price list and check its currency.',
        ).join('\n'),
      },
    ]);
  });

  it('is bounded, however long the loop is and whatever its characters are', async () => {
    const { evidence, confidence } = await analysisOf(
      times(1_000, `coder: I will open the ${'😀 '.repeat(300)}list again.`),
    );
    expect(evidence.length).toBeLessThanOrEqual(8);
    expect(evidence.every(({ excerpt }) => excerpt.length <= 600 && excerpt.isWellFormed())).toBe(true);
    expect(confidence).toBeLessThanOrEqual(1);
  });
});
