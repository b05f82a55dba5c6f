import { FulcrumError, messageOf } from '../../errors.js';
import type { SourceMessage } from '../../ports.js';
import { isRebalance } from './errors.js';
import type { Lane, Slice } from './lane.js';
import type { TopicReader } from './reader.js';
import { Waiting } from './waiting.js';

/**
 * Commits are this far apart, in ms. One after each batch of 512 brought reading from 190,000 messages a second down
 * to 51,000.
 */
const everyMs = 100;

/**
 * Commits what is acknowledged, at most ten times a second. What is not committed when a processor dies is read
 * again, and dropped by its position.
 */
export class Committer {
  private committedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private readonly acknowledgements = new Waiting();

  constructor(private readonly reader: TopicReader) {}

  /**
   * @param done those of their messages that are done with; all of them when it is left out
   * @throws FulcrumError `unavailable` when a commit that is due fails; it is tried again with the next one
   */
  async acknowledge(slices: readonly Slice[], done?: readonly SourceMessage[]): Promise<void> {
    for (const slice of slices) slice.lane.acknowledge(slice, done);
    this.acknowledgements.wake();
    const waitMs = this.committedAt + everyMs - Date.now();
    if (waitMs <= 0) await this.flush();
    else this.timer ??= setTimeout(() => this.flushLater(), waitMs);
  }

  /** Commits all that is acknowledged. @throws FulcrumError `unavailable` */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running = this.running.catch(() => {}).then(() => this.commit());
    return this.running;
  }

  /** Resolves when nothing that was handed out waits to be acknowledged. */
  async allAcknowledged(): Promise<void> {
    while (this.reader.owned.some(({ handedOut }) => handedOut)) await this.acknowledgements.wait(everyMs);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private flushLater(): void {
    this.flush().catch(() => {
      this.timer ??= setTimeout(() => this.flushLater(), everyMs);
    });
  }

  private async commit(): Promise<void> {
    const offsets = new Map<Lane, number>();
    for (const lane of this.reader.owned) {
      const { acknowledged } = lane;
      if (acknowledged !== null && acknowledged !== lane.committed) offsets.set(lane, acknowledged);
    }
    this.committedAt = Date.now();
    if (offsets.size === 0) return;
    try {
      await this.reader.commit(offsets);
      for (const [lane, offset] of offsets) lane.committed = offset;
    } catch (error) {
      // What was handed out is known by its position when it comes again.
      const ours = [...offsets.keys()].some((lane) => this.reader.owns(lane));
      if (isRebalance(error) || !ours) return;
      throw new FulcrumError(
        'unavailable',
        `committing offsets to Kafka failed: ${messageOf(error)}; trying again`,
        {
          cause: error,
        },
      );
    }
  }
}
