import { expect, it } from 'vitest';
import { OutcomeClassifier } from '../../src/client/index.js';

const classifier = new OutcomeClassifier();
const long = 'x'.repeat(21);

it.each([
  [null],
  [undefined],
  ['a text'],
  [''],
  [0],
  [1],
  [true],
  [[]],
  [[{ text: 'a' }]],
  [{}],
  [new Map([['a', 1]])],
  [new Error('a')],
])('%o is a failure', (output) => {
  expect(classifier.classify(undefined, output)).toBe('failure');
});

it.each(['error', 'exception', 'traceback'])(
  'an answer with a key %s is a failure, whatever its value',
  (key) => {
    for (const value of ['it broke', null, undefined, '', false])
      expect(classifier.classify({}, { text: 'fine', [key]: value })).toBe('failure');
  },
);

it.each([
  [{ text: long }, { text: long }],
  [
    { text: long, other: 1 },
    { text: long, more: 2 },
  ],
  [{ list: [{ a: 1 }] }, { list: [{ a: 1 }] }],
  [
    { map: { a: [1] }, n: 3 },
    { n: 3, map: { a: [1] } },
  ],
])('what gave %j as it was given %j is partial', (prior, output) => {
  expect(classifier.classify(prior, output)).toBe('partial');
});

it.each([
  [undefined, { text: long }],
  [long, { text: long }],
  [{ text: long }, { text: `${long}!` }],
  [
    { text: long, n: 1 },
    { text: long, n: 2 },
  ],
  [{ a: long }, { b: long }],
  // Ids, counters and flags may well stay the same.
  [{ text: 'x'.repeat(20) }, { text: 'x'.repeat(20) }],
  // 20 characters, 40 UTF-16 units.
  [{ text: '𝄞'.repeat(20) }, { text: '𝄞'.repeat(20) }],
  [
    { n: 1, flag: true },
    { n: 1, flag: true },
  ],
  [
    { list: [], map: {} },
    { list: [], map: {} },
  ],
])('what was given %j and gave %j is a success', (prior, output) => {
  expect(classifier.classify(prior, output)).toBe('success');
});

it('takes other keys and another length', () => {
  const own = new OutcomeClassifier({ errorKeys: ['fault'], minStringLengthForRepetition: 2 });
  expect(own.classify({}, { error: 'none' })).toBe('success');
  expect(own.classify({}, { fault: 1 })).toBe('failure');
  expect(own.classify({ a: 'abc' }, { a: 'abc' })).toBe('partial');
});
