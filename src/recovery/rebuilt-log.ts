import { CatchUp } from '../catch-up.js';
import type { EventSource, LogSource, SourceBatch, SourceMessage, SourceProgress } from '../ports.js';
import { TimeMerge } from './time-merge.js';

/** How often a log is asked where it ends while it is read, in ms. */
const askEveryMs = 200;
/** How long messages that are at hand wait for those of logs that have none, in ms. */
const mergeWaitMs = 20;

/** What is known of one log. Positions are as the log has them. */
interface KnownLog {
  /** The first that was read; null: nothing was yet. */
  first: SourceMessage | null;
  /** All up to this one are applied. */
  applied: number;
  last: number;
}

/**
 * The interactions as a rebuild reads them: all that the logs hold, what is older first, to their end. They have ended
 * when no more than a batch is left that came while they were read.
 */
export class RebuiltLog implements EventSource {
  readonly name: string;
  readonly system: string;
  readonly headerPrefix: EventSource['headerPrefix'];
  /** All that was there has been read. */
  isRead = false;
  private readonly logs = new Map<string, KnownLog>();
  private readonly merge: TimeMerge;
  private catchUp = new CatchUp();
  private askedAt = Number.NEGATIVE_INFINITY;
  private stopped = false;

  /**
   * @param leave what may be left to the processors, in messages
   * @param elapsedMs see Timers
   */
  constructor(
    private readonly inner: LogSource,
    private readonly leave: number,
    private readonly elapsedMs: () => number,
  ) {
    this.name = inner.name;
    this.system = inner.system;
    this.headerPrefix = inner.headerPrefix;
    this.merge = new TimeMerge(() => inner.logs().length);
  }

  /** Up to where each log is applied. */
  get applied(): ReadonlyMap<string, number> {
    return new Map(
      [...this.logs].flatMap(([source, { first, applied }]) => (first === null ? [] : [[source, applied]])),
    );
  }

  /** The first message that was read of each log. */
  get firsts(): readonly SourceMessage[] {
    return [...this.logs.values()].flatMap(({ first }) => first ?? []);
  }

  /** How many messages are done, and how many are left, by what the logs last said. */
  get counts(): { readonly done: number; readonly left: number } {
    let [done, left] = [0, 0];
    for (const { first, applied, last } of this.logs.values()) {
      if (first !== null) done += applied - first.position.sequence + 1;
      left += Math.max(0, last - applied);
    }
    return { done, left };
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    if (this.stopped || this.isRead) return null;
    const batch = await this.inner.read(maxMessages, this.merge.isEmpty ? maxWaitMs : mergeWaitMs);
    if (batch === null) return null;
    const messages = this.inOrder(batch.messages, maxMessages);
    if (messages.length < maxMessages && this.merge.isEmpty) await this.look(batch.messages.length === 0);
    return this.isRead && messages.length === 0 ? null : this.handOut(messages);
  }

  /** Reads no further; what was handed out may still be acknowledged. */
  close(): void {
    this.stopped = true;
  }

  /** How far the logs are read: this far they are applied, once all that was handed out is. */
  progress(): Promise<readonly SourceProgress[]> {
    return Promise.resolve(this.inner.progress()).then((progress) => {
      for (const { source, acknowledged, last } of progress) this.known(source, acknowledged).last = last;
      return progress;
    });
  }

  private inOrder(messages: readonly SourceMessage[], most: number): readonly SourceMessage[] {
    if (this.merge.isEmpty && this.inner.logs().length === 1) return messages;
    this.merge.push(messages);
    return this.merge.take(most, messages.length === 0);
  }

  /** What cannot be asked just now is asked the next time: what was read must not be lost by it. */
  private async look(isShort: boolean): Promise<void> {
    const now = this.elapsedMs();
    if (!isShort && now - this.askedAt < askEveryMs) return;
    this.askedAt = now;
    const progress = await this.progress().catch(() => null);
    if (progress === null || !this.catchUp.isDone(this.inner.logs(), progress)) return;
    const left = progress.reduce((sum, { acknowledged, last }) => sum + Math.max(0, last - acknowledged), 0);
    if (left <= this.leave) this.isRead = true;
    else this.catchUp = new CatchUp();
  }

  private handOut(messages: readonly SourceMessage[]): SourceBatch {
    for (const message of messages) {
      const { source, sequence } = message.position;
      const log = this.known(source, 0);
      if (log.first !== null) continue;
      log.first = message;
      // What is gone from its beginning is not to be done.
      log.applied = sequence - 1;
    }
    let open = messages.length;
    return {
      messages,
      ack: (done = messages) => {
        open -= done.length;
        if (open > 0) return;
        for (const { position } of messages) this.known(position.source, 0).applied = position.sequence;
      },
    };
  }

  private known(source: string, before: number): KnownLog {
    let log = this.logs.get(source);
    if (log === undefined) {
      log = { first: null, applied: before, last: before };
      this.logs.set(source, log);
    }
    return log;
  }
}
