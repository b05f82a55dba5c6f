/** What two agents say to each other, as interactions. */
import { makePairId } from '../../src/trust/pair.js';

export interface Saying {
  readonly id: string;
  readonly agent_a: string;
  readonly agent_b: string;
  readonly outcome: 'success' | 'failure';
  readonly content: string;
  readonly session_id?: string;
  /** Seconds since the epoch. */
  readonly time?: number;
}

/** Two agents, in the order in which they begin to speak. */
export interface Talk {
  readonly agents: readonly [string, string];
  /** What event ids begin with. @defaultValue `turn` */
  readonly id?: string;
  readonly session?: string;
  /** When the first is said, one a second, in seconds since the epoch. @defaultValue when it is sent */
  readonly at?: number;
}

const steps = [
  'Let us move the price list: its 412 rows are in exports/prices.csv.',
  'The new shop takes images of 800 pixels, the old ones have 1200.',
  'Shipping to Norway costs 14 euros for two kilos, please add it.',
  'Added, and row 212 had no currency: its supplier says that it is kroner.',
];
const toAndFro = [
  'The invoice needs a decision, I hand it over to you.',
  'That is not mine to decide, I hand it back to you.',
];
/** After four successes the eleventh failure takes the score below 0.3. */
const rounds = Array.from({ length: 11 }, (_, i) => toAndFro[i % 2] as string);

/** They get on with four things. */
export function gettingOn(talk: Talk): Saying[] {
  return sayings(talk, steps, () => 'success');
}

/** They get on with four things, then hand one to and fro; the last of these eleven failures opens their circuit. */
export function handingOver(talk: Talk): Saying[] {
  return sayings(talk, [...steps, ...rounds], (i) => (i < steps.length ? 'success' : 'failure'));
}

/** Ids of the turns in which they hand it to and fro. @param id what they begin with */
export function idsOfLoop(id = 'turn'): string[] {
  return rounds.map((_, i) => `${id}-${steps.length + i}`);
}

/** Whose messages theirs are. */
export function pairOf({ agents }: Pick<Talk, 'agents'>): { tenant: string; pairId: string } {
  return { tenant: 'default', pairId: makePairId(...agents) };
}

function sayings(
  { agents: [first, second], id = 'turn', session, at }: Talk,
  texts: readonly string[],
  outcomeOf: (index: number) => Saying['outcome'],
): Saying[] {
  return texts.map((content, i) => ({
    id: `${id}-${i}`,
    agent_a: i % 2 === 0 ? first : second,
    agent_b: i % 2 === 0 ? second : first,
    outcome: outcomeOf(i),
    content,
    ...(session === undefined ? {} : { session_id: session }),
    ...(at === undefined ? {} : { time: at + i }),
  }));
}
