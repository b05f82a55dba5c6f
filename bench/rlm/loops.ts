import type { LoopVerdict } from '../../src/rlm/result.js';
import type { Turn } from '../../src/rlm/transcript.js';
import type { World } from './slots.js';

/** One way in which agents run round in circles, and what an analysis should call it. */
export interface LoopKind {
  readonly name: string;
  /** The first is the best name, the others are right too. */
  readonly verdicts: readonly LoopVerdict[];
  /** Rounds of the loop. */
  readonly make: (world: World, rounds: number) => Generator<Turn>;
}

/** Turns of two speakers, each from a pool of its own. */
function* talk(
  world: World,
  rounds: number,
  speakers: readonly [string, string],
  pools: readonly [readonly string[], readonly string[]],
) {
  for (let i = 0; i < rounds; i++)
    for (const side of [0, 1] as const)
      yield { speaker: speakers[side], text: world.random.pick(pools[side]) };
}

export const loopKinds: readonly LoopKind[] = [
  {
    name: 'repetition, word for word',
    verdicts: ['repetition', 'cycle', 'ping_pong'],
    *make(world, rounds) {
      const text = world.fill(
        'I will now open {file} and check whether the {noun} of the {module} is set as {person} asked.',
      );
      for (let i = 0; i < rounds; i++) yield { speaker: 'coder', text };
    },
  },
  {
    name: 'repetition under changing answers',
    verdicts: ['repetition', 'stall', 'cycle'],
    *make(world, rounds) {
      const [what, where] = [world.fill('{adjective} {noun}'), world.slot('city')];
      const ways = [
        `Please search for the ${what} of ${where} and note the figure with its source.`,
        `Please look again for the ${what} of ${where} and note the figure with a source.`,
        `Search for the ${what} of ${where} once more, please, and note its source with the figure.`,
        `Please note the figure for the ${what} of ${where} with its source, and search for it again.`,
      ];
      for (let i = 0; i < rounds; i++) {
        yield { speaker: 'lead', text: world.random.pick(ways) };
        yield {
          speaker: 'browser',
          text: world.fill('Page of {number} lines by {person}: {finding}. Also {finding}.'),
        };
      }
    },
  },
  {
    name: 'ping-pong, word for word',
    verdicts: ['ping_pong', 'cycle'],
    *make(world, rounds) {
      const ticket = world.slot('ticket');
      const pools = [
        [`${ticket} is about billing. Over to you, please take it from here.`],
        [`${ticket} looks like an account matter to me, so I am handing it back to you.`],
      ] as const;
      yield* talk(world, rounds, ['billing-agent', 'account-agent'], pools);
    },
  },
  {
    name: 'ping-pong, in other words',
    verdicts: ['ping_pong', 'cycle', 'repetition', 'stall'],
    *make(world, rounds) {
      const ticket = world.slot('ticket');
      const pools = [
        [
          `Could you handle ${ticket}? It belongs with your team.`,
          `I think ${ticket} is yours, please take it.`,
          `Passing ${ticket} to you, it is outside my area.`,
          `${ticket} needs somebody from your side, over to you.`,
        ],
        [
          `${ticket} is not something I can decide, back to you.`,
          `No, ${ticket} is your responsibility. Please handle it.`,
          `I am returning ${ticket}, you are better placed for it.`,
          `Handing ${ticket} back, it falls to you.`,
        ],
      ] as const;
      yield* talk(world, rounds, ['triage', 'specialist'], pools);
    },
  },
  {
    name: 'cycle of three to six turns',
    verdicts: ['cycle', 'error_retry', 'ping_pong'],
    *make(world, rounds) {
      const speakers = ['planner', 'coder', 'reviewer', 'tester', 'writer', 'operator'];
      const period = world.random.whole(3, 6);
      const turns = Array.from({ length: period }, (_, i) => ({
        speaker: speakers[i] as string,
        text: world.fill(
          world.random.pick([
            'The {noun} in {file} should be {adjective}, as {ticket} asks.',
            'I set the {noun} of the {module} back to what {person} had.',
            'With that the {adjective} {noun} is gone again, so {action}.',
          ]),
        ),
      }));
      for (let i = 0; i < rounds; i++)
        for (const { speaker, text } of turns) yield { speaker, text: `${text} (pass ${i + 1})` };
    },
  },
  {
    name: 'gratitude',
    verdicts: ['gratitude'],
    *make(world, rounds) {
      const pools = [
        [
          'Thank you so much for all your help today!',
          'I really appreciate everything you have done, thanks again.',
          'Thanks once more, you have been wonderful.',
          'You are too kind! I am grateful for the great support.',
          'Many thanks, and have a lovely day!',
          'Thank you, it was a joy to work with you.',
        ],
        [
          'You are very welcome! It was my pleasure.',
          'Always happy to help, do not hesitate to ask.',
          'No problem at all, glad I could help. Take care!',
          'The pleasure is all mine, thank you for your kind words.',
          'You too, have a wonderful day! Goodbye.',
          'Thank you as well, see you soon!',
        ],
      ] as const;
      yield* talk(world, rounds, ['assistant-a', 'assistant-b'], pools);
    },
  },
  {
    name: 'agreement',
    verdicts: ['agreement'],
    *make(world, rounds) {
      const pools = [
        [
          'I completely agree with you, that is exactly right.',
          'Yes, that makes perfect sense to me.',
          'Absolutely, I could not have said it better.',
          'You are right, we see this the same way.',
          'Great point, I am fully on board with that.',
          'Sounds good to me, let us go with that.',
        ],
        [
          'Agreed, we are on the same page.',
          'Exactly, I think so too.',
          'Indeed, a very good point.',
          'Yes, I agree with that entirely.',
          'Perfect, then we both think the same.',
          'I share that view completely, well said.',
        ],
      ] as const;
      yield* talk(world, rounds, ['strategist', 'advisor'], pools);
    },
  },
  {
    name: 'error and retry',
    verdicts: ['error_retry', 'cycle', 'ping_pong'],
    *make(world, rounds) {
      const [file, host] = [world.slot('file'), `${world.slot('module')}-${world.fresh()}`];
      for (let i = 1; i <= rounds; i++) {
        yield {
          speaker: 'agent',
          text: world.random.pick([
            `Retrying the upload of ${file} to ${host}, attempt ${i}.`,
            `Let me try again to upload ${file} to ${host}.`,
          ]),
        };
        yield {
          speaker: 'tool',
          text: `Error: connection to ${host} refused after ${world.random.whole(10, 90)} ms (request ${world.slot('hex')}).`,
        };
      }
    },
  },
  {
    name: 'calls that fail the same way',
    verdicts: ['error_retry', 'cycle', 'ping_pong'],
    *make(world, rounds) {
      const call = world.fill(
        '{"tool":"sql","query":"select {noun} from {module} where {noun}_id = {number}"}',
      );
      const fault = world.fill('{"status":"failed","message":"relation {module} does not exist"}');
      for (let i = 0; i < rounds; i++) {
        yield { speaker: 'agent', text: call };
        yield { speaker: 'tool', text: fault };
      }
    },
  },
  {
    name: 'stall',
    verdicts: ['stall', 'repetition', 'agreement'],
    *make(world, rounds) {
      const topic = world.fill('{adjective} {noun}');
      const pools = [
        [
          `Any news about the ${topic}?`,
          `How far are we with the ${topic}?`,
          `Do we know more about the ${topic} by now?`,
          `Is there an update on the ${topic}?`,
        ],
        [
          `I am still looking into the ${topic}.`,
          `Nothing new on the ${topic} yet, I keep looking into it.`,
          `No update so far, I will get back to you about the ${topic}.`,
          `I need a little more time for the ${topic}.`,
        ],
      ] as const;
      yield* talk(world, rounds, ['manager', 'analyst'], pools);
    },
  },
];
