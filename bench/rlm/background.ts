import type { Turn } from '../../src/rlm/transcript.js';
import type { World } from './slots.js';

/** The parts of one field of work: who speaks, and how they speak. */
interface Domain {
  readonly asker: string;
  readonly doer: string;
  readonly tool: string;
  readonly asks: readonly string[];
  readonly reports: readonly string[];
  readonly calls: readonly string[];
  readonly results: readonly string[];
  readonly remarks: readonly string[];
}

/** Sentences that any field may add: each says something. */
const asides = [
  'My guess is that {finding}.',
  'It would explain why {finding}.',
  'I would rather {action} than wait for {first}.',
  'The number to beat is {number}, from {date}.',
  'If that holds, {percent} of the {adjective} cases go away.',
  'Note that {first} saw {finding} in {city}.',
  'Before that I want to {action}.',
  'This is separate from {ticket}, where {finding}.',
  'We agreed with {person} on {amount} at most.',
  'So far {number} rows carry the {adjective} {noun}.',
];

const domains: readonly Domain[] = [
  {
    asker: 'planner',
    doer: 'coder',
    tool: 'shell',
    asks: [
      'Please look at {file}: a user says that {finding}.',
      'Next is {ticket}. In the {module} service {finding}; find out since which version.',
      'Can you change {file} so that the {noun} is kept, and add a test for the {adjective} case?',
      'The review of {file} asks two things: name the {noun} at line {line}, and {action}.',
      'Version {version} goes out on {date}; which of the open {module} tickets must be in it?',
    ],
    reports: [
      'I read {file} from line {line} on: {finding}. The fix is small, I will {action} first.',
      'Done in commit {hex}: {file} now keeps the {noun}, and {number} tests pass.',
      'It began with {version}. There {finding}, and nobody saw it because the {noun} test was skipped.',
      'The {module} code has no test for that. I wrote one in {file} and it shows that {finding}.',
      'I moved the {noun} out of {file}, {small} callers had to change, the largest is the {module} one.',
      'Two ways: {action}, or {action}. The first costs {small} hours, the second leaves the {adjective} {noun} as it is.',
    ],
    calls: [
      '{"tool":"run","cmd":"test {file} --seed {number}"}',
      '{"tool":"read","path":"{file}","from":{line}}',
      '{"tool":"grep","pattern":"{noun}_{noun}","in":"{module}"}',
    ],
    results: [
      '{number} passed, {small} skipped in {file}; slowest {noun} {number} ms',
      '{file}:{line}: const {noun} = {module}.{noun}({number});\n{file}:{line}: // {finding}',
      'commit {hex} by {person} on {date}: {module}: {action}\n {small} files changed, {number} insertions',
    ],
    remarks: [
      'Good find in {file}, merge {hex} once {first} has looked.',
      'I did not know that {finding}; write it into {ticket}.',
      'Then {ticket} can wait until {date}.',
    ],
  },
  {
    asker: 'customer',
    doer: 'support',
    tool: 'orders',
    asks: [
      'Hello, my order {order} with the {product} should have come on {date}, to {city}.',
      'The {product} of order {order} has a broken {noun}; I paid {amount} for it.',
      'I was charged {amount} twice for order {order}, once at {time} and once at {time}.',
      'Can I still change the address of {order}? I move from {city} to {city}.',
      'Does the {product} work with the {adjective} {noun} that I bought in {city}?',
    ],
    reports: [
      'I see order {order}: the {product} left {city} on {date} and waits at the carrier for a {noun} form.',
      'The {amount} were booked on {date}; the second booking over {amount} will be returned under {ticket}.',
      'For a broken {noun} we send a {product} from {city}; {person} there needs a photo of the {noun}.',
      'Your address in {city} is set for {order}. The parcel with the {noun} had left already, it comes on {date}.',
      'The {product} takes a {adjective} {noun} from version {version} on; older ones need the adapter for {amount}.',
    ],
    calls: [
      '{"tool":"get_order","order":"{order}"}',
      '{"tool":"refund","order":"{order}","amount":"{amount}","ticket":"{ticket}"}',
    ],
    results: [
      '{"order":"{order}","item":"{product}","city":"{city}","paid":"{amount}","sent":"{date}"}',
      '{"refund":"{hex}","of":"{order}","amount":"{amount}","state":"booked {date} {time}"}',
    ],
    remarks: [
      'Then I take the refund for {order}, to the card that ends in {number}.',
      'The photo of the {noun} is on its way, I took it in {city}.',
      'Fine, send the {product} to {city} then.',
    ],
  },
  {
    asker: 'lead',
    doer: 'researcher',
    tool: 'browser',
    asks: [
      'Find who measured the {noun} of the {adjective} {product} in {city}, and when.',
      'Which source says that {finding}? I need the page and the year.',
      'Compare the {noun} figures of {person} and {person}; they differ by {percent}.',
      'Look for the contract of {date} between {person} and the port of {city}.',
    ],
    reports: [
      '{person} ({date}) measured {number} samples in {city} and found that {finding}.',
      'The report of {city} gives {percent} for the {noun}, but its appendix counts the {adjective} ones apart.',
      'Page {line} of the {module} survey names {person}; the {noun} table has {number} rows, {small} of them without a date.',
      'I could read only the abstract: {finding}. The full text is with {person} in {city}.',
    ],
    calls: [
      '{"tool":"search","query":"{noun} {adjective} {city} {date}"}',
      '{"tool":"open","url":"https://{module}.example/{noun}/{hex}"}',
    ],
    results: [
      '{number} results. 1: {adjective} {noun} in {city}, {person}, {date}. 2: on the {noun} of a {product}, {person}. 3: {finding}.',
      'Page of {number} lines. The {noun} of {city}: {percent} in {date}, {percent} a year later. {person} writes that {finding}.',
    ],
    remarks: [
      'Use the {city} figure, {person} is the better source for the {noun}.',
      'Leave {person} out, the {noun} was never published.',
    ],
  },
  {
    asker: 'oncall',
    doer: 'operator',
    tool: 'monitor',
    asks: [
      '{module} in {city} is at {percent} errors since {time}; start with the {noun}.',
      'Page from {time}: disk of {module}-{number} at {percent}. Who may delete the {adjective} {noun} files?',
      'Certificate {hex} of {module} ends on {date}; plan the change.',
    ],
    reports: [
      'Since {time} {finding}. I took {module}-{number} out and the rate fell to {percent}.',
      '{number} of the {module} hosts run {version}, the others {version}; only the new ones show the {noun} problem.',
      'Freed {number} GiB on {module}-{number}: the {adjective} {noun} archive of {date} went to {city}.',
    ],
    calls: [
      '{"tool":"query","metric":"{module}_{noun}","from":"{date} {time}"}',
      '{"tool":"drain","host":"{module}-{number}"}',
    ],
    results: [
      '{module}_{noun}: {number}, {number}, {number}, {number} since {time}; p99 {number} ms',
      'host {module}-{number} drained at {time}, {small} jobs moved to {module}-{number}',
    ],
    remarks: [
      'Write {time} and the host into {ticket}, {first} does the report.',
      'Leave {module}-{number} out until {date}.',
    ],
  },
  {
    asker: 'editor',
    doer: 'analyst',
    tool: 'warehouse',
    asks: [
      'How did the {adjective} {noun} develop in {city} between {date} and {date}?',
      'The chart for {module} shows {percent}; sales says {percent}. Which is right?',
      'Break the {noun} down by product, at least {product}, {product} and {product}.',
    ],
    reports: [
      '{city} has {number} of them, {percent} more than in spring; the {product} alone makes {amount}.',
      'Sales counts the {adjective} {noun} too. Without it I get {percent}, and {number} rows differ, most of them from {city}.',
      '{product}: {amount}, {product}: {amount}, {product}: {amount}. The rest is under {percent}.',
    ],
    calls: [
      '{"tool":"sql","query":"select {noun}, count(*) from {module} where city = \'{city}\' and day > \'{date}\' group by 1"}',
    ],
    results: [
      '{noun}|{number}\n{noun}|{number}\n{noun}|{number}\n({small} rows, {number} ms)',
      'error in line {line}: column {noun}_{noun} is ambiguous, qualify it',
    ],
    remarks: [
      'Put the {product} row first and drop {city}.',
      'Then the headline is {percent}, with a note on {noun}.',
    ],
  },
];

/** One task from its question to its remark, a few turns long; every turn says something that was not there before. */
export function* episode(world: World): Generator<Turn> {
  const { random } = world;
  const domain = random.pick(domains);
  const say = (speaker: string, templates: readonly string[], more: number): Turn => {
    const sentences = [world.fill(random.pick(templates))];
    for (let i = random.whole(0, more); i > 0; i--) sentences.push(world.fill(random.pick(asides)));
    return { speaker, text: sentences.join(' ') };
  };
  yield say(domain.asker, domain.asks, 2);
  for (let step = random.whole(1, 4); step > 0; step--) {
    if (random.chance(0.7)) {
      yield { speaker: domain.doer, text: world.fill(random.pick(domain.calls)) };
      yield { speaker: domain.tool, text: result(world, domain) };
    }
    yield say(domain.doer, domain.reports, 4);
    if (random.chance(0.4)) yield say(domain.asker, domain.remarks, 1);
  }
}

/** A result of a tool, now and then a long page of it. */
function result(world: World, { results }: Domain): string {
  const { random } = world;
  const lines = random.chance(0.06) ? random.whole(20, 120) : random.whole(1, 3);
  return Array.from({ length: lines }, () => world.fill(random.pick(results))).join('\n');
}
