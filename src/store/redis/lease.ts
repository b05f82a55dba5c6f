import { randomUUID } from 'node:crypto';
import type { Lease } from '../../ports.js';
import { type RedisClient, unavailable } from './connection.js';
import { runScript } from './scripts.js';

/** A lease that is a key with the name of its holder, which lapses. */
export class RedisLease implements Lease {
  constructor(
    private readonly client: RedisClient,
    private readonly url: string,
    readonly key: string,
    readonly lastsMs: number,
    readonly owner: string = randomUUID(),
  ) {}

  hold(): Promise<boolean> {
    return this.call(this.lastsMs);
  }

  async release(): Promise<void> {
    await this.call(0);
  }

  private async call(forMs: number): Promise<boolean> {
    try {
      return (await runScript(this.client, 'lease', [this.key], [this.owner, forMs])) === 1;
    } catch (error) {
      throw unavailable(this.url, error);
    }
  }
}
