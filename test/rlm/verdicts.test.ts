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

  it('is ping_pong when two agents transfer a matter to each other by calls, whatever reasons they give', async () => {
    const call = (to: string, reason: string): string =>
      JSON.stringify({ tool: `transfer_to_${to}`, args: { order: '88213', reason } });
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        ...['wants an exchange', 'order is an exchange', 'exchange is wanted', 'it is an exchange'].flatMap(
          (reason) => [
            `returns: ${call('exchange', reason)}`,
            `exchange: ${call('returns', `return comes first, ${reason}`)}`,
          ],
        ),
      ),
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

  it.each([
    [
      'gratitude',
      [
        'You did a fantastic job with the deadline!',
        'Right back at you! You are a real star.',
        'How lovely of you to say! Stay well!',
        'My pleasure entirely. It was a privilege.',
        'Your patience is admirable. Warmest regards!',
        'Such a joy to work with you. Talk soon!',
        'Until next time, dear colleague.',
      ],
    ],
    [
      'agreement',
      [
        'My thoughts exactly. Your reasoning is convincing.',
        'Spot on. I support this completely.',
        "I couldn't have put it better.",
        'You took the words out of my mouth.',
        "We're on the same page.",
        'Well said. That is the heart of the matter.',
        'One hundred percent. I see it the same way.',
      ],
    ],
    [
      'ping_pong',
      [
        'This looks like something for you, handing the ticket over.',
        'The ticket is outside my scope, returning it.',
        'My role does not cover this, so you should own the ticket.',
        'I cannot handle this one. Back to you.',
        'Passing the ticket on: that is your responsibility.',
        'Not mine, I think. Please take it.',
        'Bouncing the ticket back, you have the context.',
      ],
    ],
    [
      'stall',
      [
        "I'm preparing to work on the memo.",
        'How far are you?',
        'Let me reflect on the memo a bit more.',
        'Any news?',
        'Almost there, just a little longer.',
        'And?',
        'I am in the process of working through the memo.',
        'Do you have a result?',
        'Next I intend to take a closer look at it.',
        'Hello?',
        'One moment please, I want to get this right.',
        'I plan to start with the memo soon.',
      ],
    ],
  ] as const)('is %s in many words', async (expected, texts) => {
    const { verdict } = await analysisOf([
      ...opening,
      ...texts.map((text, i) => ({ speaker: i % 2 === 0 ? 'a' : 'b', text })),
    ]);
    expect(verdict).toBe(expected);
  });

  it('is a loop when the same call fails the same way, whatever the protocol calls each of them', async () => {
    const ids = ['a21e09e64b', '74a500efe6', '695e7e17bf', '7409b54290'];
    const { verdict } = await analysisOf([
      ...opening,
      ...ids.flatMap((id) => [
        {
          speaker: 'agent',
          text: `{"tool_calls": [{"id": "call_${id}", "function": {"name": "charge_card", "arguments": "{}"}}]}`,
        },
        {
          speaker: 'tool',
          text: `{"error": {"code": 500, "message": "Internal server error"}, "request_id": "req_${id}"}`,
        },
      ]),
    ]);
    expect(verdict).toBe('error_retry');
  });

  it('is no loop: a test that is run again after each change, whatever is said about it', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        'agent: Run the tests.\n<execute_bash>\ngo test ./...\n</execute_bash>',
        'shell: FAILED test_group_ledger - AssertionError: 72 != 128\n9 failed, 29 passed in 39.4s',
        'agent: The frame was read too often; changing it.',
        'agent: Rerun the suite.\n<execute_bash>\ngo test ./...\n</execute_bash>',
        'shell: FAILED test_merged_clause - TypeError: partial sample\n8 failed, 30 passed in 11.6s',
        'agent: The cohort was empty; it is filled before it is sorted now.',
        'agent: <execute_bash>\ngo test ./...\n</execute_bash>',
        'shell: FAILED test_fresh_margin - KeyError: queue\n7 failed, 31 passed in 22.3s',
        'agent: The spare key has a default.',
        'agent: And again.\n<execute_bash>\ngo test ./...\n</execute_bash>',
        'shell: 38 passed in 21.0s',
      ),
    ]);
    expect(verdict).toBe('none');
  });

  it('is a loop when one says that it is over, and another says nothing, again and again', async () => {
    const { verdict } = await analysisOf([...opening, ...times(7, 'proxy: ', 'assistant: TERMINATE')]);
    expect(verdict).not.toBe('none');
  });

  it('is cycle whether or not a turn says which round it is', async () => {
    const { verdict, evidence } = await analysisOf([
      ...opening,
      ...talk(
        'agent: [iteration 1] Opening the form.',
        'agent: (1) Clicking submit.',
        'tool: Round 1: Page reloaded. The form is empty.',
        'agent: Opening the form.',
        'agent: (2) Clicking submit.',
        'tool: Page reloaded. The form is empty.',
        'agent: Round 3: Opening the form.',
        'agent: [iteration 3] Clicking submit.',
        'tool: (3) Page reloaded. The form is empty.',
      ),
    ]);
    expect(verdict).toBe('cycle');
    expect(evidence[0]?.turns).toHaveLength(9);
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

  it.each([
    [
      'a test',
      'agent: $ npm test -- --bail',
      ['7 failed, 13 passed', '5 failed, 15 passed', '2 failed, 18 passed'],
    ],
    [
      'a command',
      'agent: $ make deploy TARGET=staging',
      [
        'permission denied: docs/orders.csv',
        "ModuleNotFoundError: No module named 'invoices'",
        'port 1060 already in use by the old gateway',
      ],
    ],
    [
      'a look at a queue',
      'agent: Checking whether ticket OPS-77 has come up.',
      [
        'OPS-77 is at 28, served last OPS-46',
        'OPS-77 is at 19, served last OPS-55',
        'OPS-77 is at 4, served last OPS-70',
      ],
    ],
    [
      'a prompt to go on',
      'user: Please continue with the next part of the task.',
      [
        'The schema has a table of orders, keyed by customer and day.',
        'Indexes now cover the reports that finance runs on Mondays.',
        'I moved the old rows, and the counts of both sides are equal.',
      ],
    ],
  ])('is no loop: %s that is said again and answered anew', async (_, asked, answers) => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(...answers.flatMap((answer) => [asked, `tool: ${answer}`]), asked),
    ]);
    expect(verdict).toBe('none');
  });

  it.each([
    [
      'a test',
      'agent: $ npm test -- --bail',
      ['7 failed, 13 passed', '7 failed, 13 passed', '7 failed, 13 passed'],
    ],
    [
      'a call that fails',
      'agent: {"tool": "search_papers", "arguments": {"date": "2025-02-30"}}',
      [
        'ValidationError - field "date": day is out of range for month (trace 77d810dc)',
        'ValidationError - field "date": day is out of range for month (trace be664178)',
        'ValidationError - field "date": day is out of range for month (trace d8f29e6e)',
      ],
    ],
    [
      'a status',
      'agent: Status: 377 points were checked, 6 are suspicious.',
      ['Can you go further?', 'continue', 'next'],
    ],
    [
      'a helper that does not listen',
      "agent: I'm sorry, I did not get that. Let me check your status again.",
      [
        'The parcel never arrived in Oslo',
        'I want my money back by Friday',
        'Where is the manager of the shop?',
      ],
    ],
    [
      'an answer to whatever is asked',
      'agent: To change your nickname, right-click your name and select it.',
      [
        'I do not see that option',
        'Still not there, am I missing something?',
        'This is no help at all to me',
      ],
    ],
  ])('is a loop after all: %s that is said again and answered as before', async (_, asked, answers) => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(...answers.flatMap((answer) => [asked, `tool: ${answer}`]), asked),
    ]);
    expect(verdict).not.toBe('none');
  });

  it.each([
    [
      'thanks that come with work, and no numbers',
      'a b',
      [
        'Thanks! I moved the meeting to the afternoon.',
        'Great, thank you. The caterer knows about it.',
        'Wonderful, thanks. I also asked the florist.',
        'Thank you! The florist answered, roses are fine.',
        'Thanks, then I order the roses.',
        'Perfect, thanks. The invoice goes to finance.',
        'Thank you, finance approved it.',
        'Thanks! The hall is booked too.',
      ],
    ],
    [
      'agreement on one thing after the other',
      'a b',
      [
        'Agreed, we use Postgres.',
        'Good point, and the cache goes to Redis.',
        'Exactly, sessions live in the cache then.',
        'Agreed. Logs go to the bucket.',
        'Right, and alerts to the pager.',
        'Makes sense; dashboards to Grafana.',
        'Agreed, backups run nightly.',
        'Sure, restores are tested weekly.',
      ],
    ],
    [
      'praise for one right answer after the other',
      'tutor student',
      [
        'Exactly right! What is the capital of Chile?',
        'Santiago.',
        'Correct! And of Peru?',
        'Lima.',
        'Perfect. And of Kenya?',
        'Nairobi.',
        'Right again! Ghana?',
        'Accra.',
        'Absolutely. Nepal?',
        'Kathmandu.',
        'Well done! Cuba?',
        'Havana.',
        'Spot on! Oman?',
        'Muscat.',
      ],
    ],
    [
      'what each of a team is about to do',
      'ann bob cyd dan eve fay gus hal ian joe',
      [
        'Working on the login form, will report back soon.',
        'Still working on the parser.',
        "I'm on it: the export is nearly done.",
        'Preparing the release notes.',
        'Looking into the flaky test.',
        'About to start the migration.',
        'Reviewing the designs shortly.',
        'Still waiting for the vendor.',
        'Almost done with the invoices.',
        'Considering a new icon set.',
      ],
    ],
    [
      'work that goes from hand to hand',
      'researcher writer editor writer editor designer proofreader printer',
      [
        'The sources are collected. Handing over to the writer.',
        'The draft is written, passing it to the editor.',
        'Shortened by a third. Back to you, writer, for the ending.',
        'The ending is new. Editor, your turn.',
        'Typos are fixed. Handing over to the designer.',
        'The layout stands. Over to the proofreader.',
        'Two captions were swapped, corrected. Passing it to the printer.',
        'Plates are made. Handing the proof to the publisher.',
      ],
    ],
  ])('is no loop: %s', async (_, speakers, texts) => {
    const names = speakers.split(' ');
    const { verdict } = await analysisOf(
      texts.map((text, i) => ({ speaker: names[i % names.length] ?? '', text })),
    );
    expect(verdict).toBe('none');
  });

  it.each([
    ['falls', [7, 5, 4, 2], 'none'],
    ['stays', [7, 7, 7, 7], 'error_retry'],
  ] as const)('is told by how many tests fail: their number %s', async (_, numbers, expected) => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        ...numbers.flatMap((failed, i) => [
          'coder: $ npm test',
          `tool: Tests: ${failed} failed, ${20 - failed} passed, 20 total, run ${i}. Time: ${i}.31 s`,
        ]),
      ),
    ]);
    expect(verdict).toBe(expected);
  });

  it('is no loop: a form that is filled in, a short answer to each question', async () => {
    const { verdict } = await analysisOf([
      ...opening,
      ...talk(
        'a: Could I have the log level?',
        'b: debug, I think',
        'a: And the mount point?',
        'b: below the archive',
        'a: What is the routing table, please?',
        'b: the short one',
        'a: And the retry policy?',
        'b: never',
        'a: Could I have the owner?',
        'b: Yusuf Underhill',
        'a: And the expiry date?',
        'b: Easter',
      ),
    ]);
    expect(verdict).toBe('none');
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
