import { type Candidate, themeOf, themeVerdict } from './candidate.js';
import { Marks } from './marks.js';
import type { Parameters } from './parameters.js';
import type { Print } from './print.js';
import { likeness, repeatOf, repeats } from './similar.js';

/**
 * How a turn stands to earlier ones of its speaker: it repeats one, it says of another matter in the form of one what
 * that said, or it stands alone.
 */
export type Standing = 'repeats' | 'other matter' | 'alone';

/** Turns of one speaker that say the same. */
class Cluster {
  readonly marks = new Marks();
  /** Most of them within `ownTurns` turns of the speaker. */
  most = 0;
  nearSum = 0;
  nears = 0;
  /** Turns of it that are still among the speaker's last. */
  live = 0;
  firstTurn = Number.POSITIVE_INFINITY;
  lastTurn = 0;

  add(print: Print): void {
    this.marks.add(print);
    this.firstTurn = Math.min(this.firstTurn, print.turn);
    this.lastTurn = Math.max(this.lastTurn, print.turn);
    this.live += 1;
  }
}

interface Own {
  readonly print: Print;
  cluster: Cluster | null;
  /** What another said next; of what asks for nothing, and as long as nobody has answered: null. */
  answer: Print | null;
}

/** Speakers of whom the last turns are kept; the one who was silent longest is forgotten first. */
const mostSpeakers = 256;

/** Verbatim and near-verbatim repetition: one speaker says the same again and again, whatever the others answer. */
export class RepetitionDetector {
  readonly #speakers = new Map<string, Own[]>();
  /** Who asked last, and waits for the answer. */
  #asked: Own | null = null;

  constructor(
    readonly parameters: Parameters,
    readonly found: (candidate: Candidate) => void,
  ) {}

  /** How the turn stands to the last ones of its speaker. */
  see(print: Print): Standing {
    if (print.turn % this.parameters.recentTurns === 0)
      this.#forgetAll(print.turn - this.parameters.recentTurns);
    if (this.#asked !== null && this.#asked.print.speaker !== print.speaker) {
      this.#asked.answer = print;
      this.#asked = null;
    }
    const { fewestWords, recentTurns } = this.parameters;
    if (print.block === 0 && (print.wordCount < fewestWords || weight(print) < fewestContent)) return 'alone';
    const own = this.#lastOf(print.speaker);
    this.#forget(own, print.turn - recentTurns);
    const entry: Own = { print, cluster: null, answer: null };
    if (print.asks !== null) this.#asked = entry;
    const standing = this.#join(entry, own);
    own.push(entry);
    if (own.length > this.parameters.ownTurns) this.#leave(own.shift() as Own);
    return standing;
  }

  /** Of speakers who fell silent too: their clusters are over, and judged while it is known what was around them. */
  #forgetAll(before: number): void {
    for (const [speaker, own] of this.#speakers) {
      this.#forget(own, before);
      if (own.length === 0) this.#speakers.delete(speaker);
    }
  }

  #forget(own: Own[], before: number): void {
    while (own.length > 0 && (own[0] as Own).print.turn < before) this.#leave(own.shift() as Own);
  }

  end(): void {
    for (const own of this.#speakers.values()) for (const one of own) this.#leave(one);
    this.#speakers.clear();
  }

  #join(entry: Own, own: readonly Own[]): Standing {
    const { print } = entry;
    const alike: Own[] = [];
    let nearest = 0;
    const { nears, otherMatter } = repeatOf(
      print,
      own.map((one) => one.print),
      this.parameters,
    );
    own.forEach((one, i) => {
      const near = print.block !== 0 && print.block === one.print.block ? 1 : (nears[i] as number);
      if (near === 0) return;
      alike.push(one);
      nearest = Math.max(nearest, near);
    });
    if (alike.length === 0) return otherMatter ? 'other matter' : 'alone';
    if (
      print.asks !== null &&
      (print.asks === 'a result' || alike.every((one) => isVerbatim(one.print, print))) &&
      this.#isAnsweredAnew(alike)
    )
      return 'other matter';
    const cluster = alike.findLast((one) => one.cluster !== null)?.cluster ?? new Cluster();
    for (const one of alike)
      if (one.cluster === null) {
        one.cluster = cluster;
        cluster.add(one.print);
      }
    entry.cluster = cluster;
    cluster.add(print);
    cluster.most = Math.max(cluster.most, alike.length + 1);
    cluster.nearSum += nearest;
    cluster.nears += 1;
    return 'repeats';
  }

  /**
   * The same was asked, and each time something else was answered: a poll, a test that is run, a prompt to go on. What
   * is answered to a look at how things stand has one form, else it is no answer to that.
   */
  #isAnsweredAnew(asked: readonly Own[]): boolean {
    const answers = asked.flatMap(({ answer }) => answer ?? []);
    if (answers.length < 2 || !answers.every(tells)) return false;
    const anyForm = asked.every(({ print }) => print.asks !== 'how it stands');
    return answers.every((answer, i) => {
      const before = answers.slice(0, i);
      const again = before.some(
        (one) => isVerbatim(answer, one) || repeats(answer, one, this.parameters) > 0,
      );
      return (
        !again && (anyForm || i === 0 || before.some((one) => likeness(answer, one, this.parameters) > 0))
      );
    });
  }

  #leave({ cluster }: Own): void {
    const { fewestRepeats } = this.parameters;
    if (cluster === null || --cluster.live > 0 || cluster.most * 2 < fewestRepeats) return;
    const theme = themeOf(cluster.marks);
    this.found({
      rule: 'repetition',
      verdict: theme === null ? 'repetition' : themeVerdict(theme),
      theme,
      count: cluster.most,
      fewest: fewestRepeats,
      near: cluster.nearSum / cluster.nears,
      turns: cluster.marks.count,
      firstTurn: cluster.firstTurn,
      lastTurn: cluster.lastTurn,
      marks: cluster.marks.list(),
    });
  }

  #lastOf(speaker: string): Own[] {
    const own = this.#speakers.get(speaker) ?? [];
    this.#speakers.delete(speaker);
    this.#speakers.set(speaker, own);
    if (this.#speakers.size > mostSpeakers) {
      const [silent, theirs] = this.#speakers.entries().next().value as [string, Own[]];
      this.#speakers.delete(silent);
      for (const one of theirs) this.#leave(one);
    }
    return own;
  }
}

/** Words and items of content from which a turn says something: "No, not that I know" answers many questions. */
const fewestContent = 3;

function isVerbatim(one: Print, other: Print): boolean {
  return one.hash === other.hash || (one.block !== 0 && one.block === other.block);
}

/** "Go on", "and?" tell nothing. */
function tells(answer: Print): boolean {
  return answer.items.length > 0 || answer.content.length >= fewestContent;
}

function weight({ content, items }: Print): number {
  return content.length + items.length;
}
