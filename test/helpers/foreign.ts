/** A client of a fleet's broker that is none of ours: it sends what anybody may send, and sees what lies there. */
import type { Channel } from '../../src/ports.js';

/** A message as it lies on the broker. */
export interface Found {
  /** Its subject on NATS, its key on Kafka. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whose message it is. */
export interface Addressee {
  readonly tenant: string;
  readonly pairId: string;
}

export interface Foreign {
  send(channel: Channel, to: Addressee, ...bodies: readonly string[]): Promise<void>;
  /** Reads a channel from its first message on; waits until there is such a channel. */
  listen(channel: Channel): Promise<Listening>;
  /** How many messages of what the analysers read they have not acknowledged. */
  unacknowledged(channel: 'interactions' | 'circuits' | 'analyses'): Promise<number>;
  close(): Promise<void>;
}

/** All that came on a channel. */
export class Listening {
  readonly found: Found[] = [];
  private readonly waiting = new Set<() => void>();

  add(message: Found): void {
    this.found.push(message);
    for (const look of [...this.waiting]) look();
  }

  /** Resolves with the first that `pick` makes something of, be it one that came or one to come. */
  first<T>(pick: (message: Found) => T | null | undefined): Promise<T> {
    return new Promise((resolve) => {
      let seen = 0;
      const look = (): void => {
        for (; seen < this.found.length; seen++) {
          const picked = pick(this.found[seen] as Found);
          if (picked === null || picked === undefined) continue;
          this.waiting.delete(look);
          resolve(picked);
          return;
        }
      };
      this.waiting.add(look);
      look();
    });
  }
}
