/** Messages of several logs in the rough order of their times. Pure. */
import TinyQueue from 'tinyqueue';
import type { SourceMessage } from '../ports.js';

/** What may wait for messages of other logs, before it goes without them. */
const mostBytes = 16 * 1024 * 1024;
const mostMessages = 20_000;

interface Log {
  readonly messages: SourceMessage[];
  /** How many of them were taken. */
  taken: number;
}

/**
 * Takes messages of each log in their order, and of several logs the one that the broker had first. Logs are read at their
 * own pace: while one of them has nothing to show the others wait for it, up to a bound.
 */
export class TimeMerge {
  private readonly logs = new Map<string, Log>();
  private readonly heads = new TinyQueue<Log>([], (a, b) => timeOf(a) - timeOf(b));
  private waiting = 0;
  private waitingBytes = 0;

  /** @param logCount how many logs there are */
  constructor(private readonly logCount: () => number) {}

  get isEmpty(): boolean {
    return this.waiting === 0;
  }

  push(messages: readonly SourceMessage[]): void {
    for (const message of messages) {
      const { source } = message.position;
      const log = this.logs.get(source) ?? { messages: [], taken: 0 };
      this.logs.set(source, log);
      log.messages.push(message);
      if (log.messages.length - log.taken === 1) this.heads.push(log);
      this.waiting++;
      this.waitingBytes += message.body.byteLength;
    }
  }

  /** @param rest nothing more is on its way: what waits need wait no longer */
  take(most: number, rest: boolean): SourceMessage[] {
    const taken: SourceMessage[] = [];
    while (taken.length < most && (rest || this.needsNoOther())) {
      const log = this.heads.pop();
      if (log === undefined) break;
      const message = log.messages[log.taken++] as SourceMessage;
      taken.push(message);
      this.waiting--;
      this.waitingBytes -= message.body.byteLength;
      if (log.taken === log.messages.length) {
        log.messages.length = 0;
        log.taken = 0;
      } else {
        if (log.taken === 4_096) {
          log.messages.splice(0, log.taken);
          log.taken = 0;
        }
        this.heads.push(log);
      }
    }
    return taken;
  }

  private needsNoOther(): boolean {
    return (
      this.heads.length >= this.logCount() || this.waiting >= mostMessages || this.waitingBytes >= mostBytes
    );
  }
}

/** When the broker had what is next of a log. */
function timeOf({ messages, taken }: Log): number {
  return messages[taken]?.receivedAt ?? 0;
}
