import { seededRandom } from '../../src/demo/random.js';
import { binary, structured } from './delivered.js';

/** What somebody might send: nearly an interaction, or nothing like one. */
export interface MutatedInput {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** An input on its way to be spoilt: as an object at first, then as text, at last as bytes. */
interface Draft {
  readonly data: Record<string, unknown>;
  envelope: Record<string, unknown> | null;
  readonly headers: Record<string, string>;
}

/** The same inputs for the same seed. About one in seven is left as it was, and so is to be accepted. */
export function* mutatedInputs(seed: number, count: number, time: number): Generator<MutatedInput> {
  const dice = new Dice(seed);
  for (let index = 0; index < count; index++) {
    const draft = validDraft(dice, time);
    if (dice.chance(0.6)) dice.pick(objectMutations)(draft, dice);
    let text = JSON.stringify(bodyOf(draft));
    if (dice.chance(0.4)) text = dice.pick(textMutations)(text, dice);
    // Few, for they are large: one in five thousand of each.
    if (index % 5_000 === 1_000) text = deep(100_000);
    if (index % 5_000 === 2_500) text = text.padEnd(5 * 1024 * 1024, dice.pick([' ', 'x']));
    const bytes = Buffer.from(text);
    const body = dice.chance(0.15) ? dice.pick(byteMutations)(bytes, dice) : bytes;
    yield { body, headers: draft.headers };
  }
}

class Dice {
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from 0 up to, and not, `end`. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

function validDraft(dice: Dice, time: number): Draft {
  const data: Record<string, unknown> = {
    agent_a: `agent-${dice.below(40)}`,
    agent_b: `agent-${dice.below(40)}`,
    outcome: dice.pick(['success', 'failure', 'failure', 'partial']),
    ...dice.pick([
      {},
      { weight: 0.5 },
      { tenant: 'blue' },
      { task: 't', attributes: { tokens: 12, ok: true } },
    ]),
  };
  const iso = new Date((time - dice.below(1_000)) * 1_000).toISOString();
  const id = `id-${dice.below(60_000)}`;
  switch (dice.below(3)) {
    case 0:
      return { data: { ...data, id, time: dice.pick([iso, time - 5]) }, envelope: null, headers: {} };
    case 1:
      return { data, envelope: structured({ id, time: iso }), headers: {} };
    default:
      return { data, envelope: null, headers: binary({ id, time: iso }) };
  }
}

function bodyOf({ data, envelope }: Draft): unknown {
  return envelope === null ? data : { ...envelope, data };
}

/** Where something can be put: the data, the envelope or the headers. */
function fieldsOf(draft: Draft, dice: Dice): Record<string, unknown> {
  return dice.chance(0.6) ? draft.data : (draft.envelope ?? draft.headers);
}

const dataFields = ['agent_a', 'agent_b', 'outcome', 'tenant', 'session_id', 'task', 'content', 'weight'];
const fields = [...dataFields, 'probe', 'attributes', 'id', 'time', 'source', 'type', 'specversion', 'data'];
const oddNumbers = [0, -0, -1, 1.5, 101, 1e300, 2 ** 53, 5e-324, -1e308];
const oddTexts = [
  '',
  ' ',
  'x'.repeat(256),
  'x'.repeat(257),
  '😀'.repeat(256),
  '😀'.repeat(257),
  'nul\u0000',
  'line\nbreak',
  'c1\u0085',
  '\ud800',
  'tail\udc00',
  '__proto__',
  'constructor',
  'a:b\\c',
  '\u202eright-to-left',
  '%00%0A',
  '9999-12-31T23:59:59Z',
  '2024-02-30T00:00:00Z',
  'NaN',
];
const timesAhead = [4e9, 1e12, 253_402_300_799, '9999-01-01T00:00:00Z'];
const oddValues: readonly unknown[] = [
  ...oddNumbers,
  ...oddTexts,
  null,
  true,
  false,
  [],
  {},
  [[]],
  { toString: null },
  [1, 2, 3],
];

const bothBindings = { ...binary({}, 'ce-'), ...binary({ id: 'other' }, 'ce_') };
const contentTypes = ['application/cloudevents+json', 'text/plain', ';', ''];

type ObjectMutation = (draft: Draft, dice: Dice) => void;

const put = (fields: Record<string, unknown>, name: string, value: unknown): void => {
  fields[name] = value;
};

const objectMutations: readonly ObjectMutation[] = [
  (draft, dice) => put(fieldsOf(draft, dice), dice.pick(fields), dice.pick(oddValues)),
  (draft, dice) => put(draft.data, dice.pick(['agent_a', 'agent_b']), dice.pick(oddTexts)),
  (draft, dice) => put(draft.data, dice.pick(['weight', 'probe', 'time']), dice.pick(oddNumbers)),
  (draft, dice) => void delete fieldsOf(draft, dice)[dice.pick(fields)],
  (draft, dice) => put(draft.data, 'attributes', numbered(dice.pick([31, 32, 33, 500]))),
  (draft, dice) =>
    put(draft.data, dice.pick(fields), Array(dice.pick([1, 1_000])).fill(dice.pick(oddNumbers))),
  (draft, dice) => put(draft.data, 'time', dice.pick(timesAhead)),
  (draft, dice) => {
    draft.envelope = structured({ [dice.pick(fields)]: dice.pick(oddValues) });
  },
  (draft, dice) => void Object.assign(draft.headers, binary({}, dice.pick(['ce-', 'ce_']))),
  (draft) => void Object.assign(draft.headers, bothBindings),
  (draft, dice) => put(draft.headers, `ce-${dice.pick(fields)}`, dice.pick(oddTexts)),
  (draft, dice) => put(draft.headers, 'content-type', dice.pick(contentTypes)),
  (draft, dice) => put(draft.headers, dice.pick(['dlq-id', 'traceparent']), 'forged\r\nx: y'),
];

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, index]));
}

/** Puts members in front of an object's own, where what is said twice is said first. */
const before = (text: string, members: string): string => text.replace('{', `{${members},`);
/** Puts members behind an object's own, where what is said twice is said last. */
const behind = (text: string, members: string): string => text.replace(/}$/, `,${members}}`);

const textMutations: readonly ((text: string, dice: Dice) => string)[] = [
  (text, dice) => text.slice(0, dice.below(text.length)),
  (text, dice) => text.slice(dice.below(text.length)),
  (text, dice) => before(text, dice.pick(['"__proto__":{"agent_a":"eve"}', '"constructor":{"prototype":1}'])),
  (text, dice) => behind(text, dice.pick(['"agent_a":"twice"', '"agent_a":7', '"data":{}', '"id":"twice"'])),
  (text, dice) =>
    behind(text, `"${dice.pick(['time', 'weight', 'extra'])}":${dice.pick(['1e309', '-1e309', '1e-400'])}`),
  (text, dice) =>
    behind(text, `"${dice.pick(['weight', 'time'])}":${dice.pick(['NaN', 'Infinity', '0x10', '01'])}`),
  (text, dice) =>
    behind(text, `"${dice.pick(['extra', 'content', 'attributes'])}":${deep(dice.pick([10, 1_000, 5_000]))}`),
  (_, dice) => deep(dice.pick([2, 100, 1_000, 5_000])),
  (_, dice) => '['.repeat(dice.pick([1, 10_000])),
  (text) => `[${text}]`,
  (text) => `${text}\n${text}`,
  (text) => `\uFEFF${text}`,
  (text) => text.replace(/"/g, "'"),
  (text, dice) => behind(text, `"content":"${'c'.repeat(dice.pick([10, 5_000, 10_000, 262_144]))}"`),
  (_, dice) => dice.pick(['', ' ', 'null', 'true', '0', '"text"', '[]', '{}', 'nonsense', '\u0000']),
];

function deep(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels);
}

const byteMutations: readonly ((bytes: Buffer, dice: Dice) => Uint8Array)[] = [
  (bytes, dice) => {
    if (bytes.length > 0) bytes[dice.below(bytes.length)] = dice.below(256);
    return bytes;
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    const invalid = dice.pick([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88], [0xe2, 0x82]]);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(invalid), bytes.subarray(at)]);
  },
  (bytes, dice) => bytes.subarray(0, dice.below(bytes.length + 1)),
  (bytes) => Buffer.from(bytes.toString('utf8'), 'utf16le'),
  (_, dice) => Buffer.from(Array.from({ length: dice.below(64) }, () => dice.below(256))),
];
