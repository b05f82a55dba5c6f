/** What a shared store lost of its last writes is read again from the logs, and applied again. */
import { decodeCommand } from '../events/command.js';
import { deliveredEvent } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { Broker, LogSource, LostTail, SourceMessage } from '../ports.js';
import { applyItems, decode, refusalsOf } from '../processor/batch.js';
import { applyCommand } from '../processor/commands.js';
import type { SharedParts } from '../processor/marking.js';
import { refuse, type Work } from '../processor/work.js';
import type { PinnedResets } from './pinned-resets.js';
import { lengthOf, readSpan, type Span } from './span.js';
import { Told } from './told.js';

/**
 * A broker that does not know what it handed out says what is acknowledged, and other processors may acknowledge a
 * moment later what they had applied before. After so long, in ms, they have, or it comes to another one.
 */
const secondLookMs = 2_000;

/** Commands first: what they make void is not to count. */
const channels = ['commands', 'interactions'] as const;

export interface RereadRequest {
  readonly tail: LostTail;
  readonly broker: Pick<Broker, 'follow' | 'standing'>;
  /** What this process reads. */
  readonly sources: Readonly<Record<Span['channel'], readonly LogSource[]>>;
  /** As {@link SharedParts} has it. */
  readonly overtaken: SharedParts['overtaken'];
  readonly signal: AbortSignal;
  /** Told how many positions are to be read. */
  readonly begins: (positions: number) => void;
}

/** What came of it. */
export interface Reread {
  readonly interactions: number;
  readonly commands: number;
  /** Interactions that the store did not have. */
  readonly lost: number;
  /** Pairs whose circuit was told otherwise before, and is told anew. */
  readonly announced: number;
}

/**
 * Reads each log again from the last position that is surely in the store, up to where any processor may have applied
 * it. Repeats drop by position, and the batches go on meanwhile: evidence counts the same in whatever order it comes.
 *
 * @returns null when it was told to stop before all was read
 */
export async function reread(given: Work, request: RereadRequest): Promise<Reread | null> {
  // Counters have counted these events before.
  const work: Work = { ...given, observer: {} };
  const told = await Told.since(work, request.broker, request.tail.since);
  try {
    const counts = await rereadSpans(work, request, told);
    if (counts === null) return null;
    // What came of them is told first, so that it is not told twice.
    await work.publish();
    await told.read();
    request.overtaken(told.overtaken(), request.tail.since);
    return { ...counts, announced: (await told.reconcile()).announced };
  } finally {
    await told.close();
  }
}

async function rereadSpans(
  work: Work,
  request: RereadRequest,
  told: Told,
): Promise<Omit<Reread, 'announced'> | null> {
  const { tail, broker, signal, begins } = request;
  const counts = { interactions: 0, commands: 0, lost: 0 };
  const take = {
    commands: async (source: LogSource, messages: readonly SourceMessage[]) => {
      counts.commands += messages.length;
      // When resets took effect, as it is told by now: the store may have lost one more since this began.
      await told.read();
      for (const message of messages) await takeCommand(work, source, message, told.resets);
    },
    interactions: async (source: LogSource, messages: readonly SourceMessage[]) => {
      counts.interactions += messages.length;
      counts.lost += await takeInteractions(work, source, messages);
    },
  };
  const read = async (spans: readonly Span[]): Promise<boolean> => {
    for (const span of spans)
      if (!(await readSpan(work, broker, span, signal, take[span.channel]))) return false;
    return true;
  };

  const begunAt = work.timers.elapsedMs();
  const first = await lookAll(work, request, tail.from);
  begins(first.reduce((sum, span) => sum + lengthOf(span), 0));
  if (!(await read(first))) return null;
  if (first.some(({ unsure }) => unsure.size > 0)) {
    await work.timers.sleep(Math.max(0, begunAt + secondLookMs - work.timers.elapsedMs()), signal);
    const after = new Map([...tail.from, ...first.flatMap(({ upTo }) => [...upTo])]);
    const second = await lookAll(work, request, after);
    if (!(await read(second.map((span, i) => only(first[i]?.unsure, span))))) return null;
  }
  return counts;
}

/** A span, and the logs of it of which the broker may not know what it handed out. */
interface Look extends Span {
  readonly unsure: ReadonlySet<string>;
}

/** Up to where any processor may have applied each log. */
async function lookAll(
  work: Work,
  { broker, sources }: RereadRequest,
  after: ReadonlyMap<string, number>,
): Promise<Look[]> {
  const looks: Look[] = [];
  for (const channel of channels) {
    const standing = await work.must(`ask how far the ${channel} are read`, () => broker.standing(channel));
    // Before the first acknowledgement there may be no standing.
    const upTo = new Map(
      sources[channel].flatMap((source) => source.logs().map((log) => [log, work.handed.of(log)] as const)),
    );
    const unsure = new Set(upTo.keys());
    for (const { source, acknowledged, delivered } of standing) {
      upTo.set(source, Math.max(delivered, work.handed.of(source)));
      if (delivered > acknowledged) unsure.delete(source);
      else unsure.add(source);
    }
    looks.push({ channel, after, upTo, unsure });
  }
  return looks;
}

/** The part of a span that is of these logs. */
function only(logs: ReadonlySet<string> | undefined, span: Span): Span {
  return { ...span, upTo: new Map([...span.upTo].filter(([log]) => logs?.has(log) === true)) };
}

/** How many of them the store did not have. What does not decode is a dead letter since it was first read. */
async function takeInteractions(
  work: Work,
  source: LogSource,
  messages: readonly SourceMessage[],
): Promise<number> {
  let lost = 0;
  let open = messages.map((message) => decode(work, source, message)).filter(({ event }) => event !== null);
  while (open.length > 0) {
    const { outcomes, left } = await applyItems(work, open);
    await refuse(work, source, refusalsOf(outcomes));
    for (const { result } of outcomes) if (result !== null && result.kind !== 'repeat') lost++;
    open = [...left];
  }
  return lost;
}

/** Commands are ordered by their own time, so one that the store has changes nothing. */
async function takeCommand(
  work: Work,
  source: LogSource,
  message: SourceMessage,
  resets: PinnedResets,
): Promise<void> {
  const command = decodeCommand(deliveredEvent(source, message), work.limits);
  if (isRejection(command)) return;
  const outcome = await applyCommand(work, resets.pin(command));
  if ('rule' in outcome) await refuse(work, source, [{ message, rejection: outcome }]);
}
