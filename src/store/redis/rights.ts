/** What the user of a connection has to be allowed, on keys that begin with the prefix: docs/servers.md has it as a rule. */
import { FulcrumError } from '../../errors.js';
import { nameOf, type RedisClient } from './connection.js';
import { runScript } from './scripts.js';

/** Of the trust state. */
export const storeCommands = [
  ...['ping', 'info', 'time', 'eval', 'evalsha', 'exists', 'del'],
  ...['get', 'set', 'mget', 'getrange', 'setrange', 'hdel', 'hget', 'hgetall', 'hset', 'hsetnx'],
  ...['xlen', 'xadd', 'xrange', 'xdel', 'zcard', 'zadd', 'zrem', 'zrange', 'zrangebyscore'],
] as const;

/** Of transcripts. */
export const transcriptCommands = [
  ...['ping', 'info', 'eval', 'evalsha', 'exists', 'del', 'expire', 'hget', 'hdel', 'hincrby'],
  ...['zadd', 'zrem', 'zrange', 'zcard', 'zcount', 'zrank'],
] as const;

/** What the user lacks for a key where the client is, `there` where the key is; as an ACL rule gives it: `+xadd`. */
export async function missingRights(
  client: RedisClient,
  commands: readonly string[],
  key: string,
  there = false,
): Promise<string[]> {
  const keys = there ? [key] : [];
  const missing = (await runScript(client, 'permissions', keys, [key, ...commands])) as Buffer[];
  return missing.map((command) => `+${command}`);
}

/**
 * Looks before anything is written: Redis does not roll back, so a script of a user who may do only some of it would
 * be left half done.
 */
export class Rights {
  private readonly known = new Map<string, Promise<void>>();

  constructor(
    private readonly client: RedisClient,
    private readonly url: string,
    private readonly commands: readonly string[],
  ) {}

  /** @throws FulcrumError `denied` with what the user lacks where these keys are, on a cluster node by node */
  async check([key = '']: readonly string[]): Promise<void> {
    const place = this.client.isCluster ? (/\{\d+\}/.exec(key)?.[0] ?? '') : '';
    let known = this.known.get(place);
    if (known === undefined) {
      known = this.look(key);
      this.known.set(place, known);
      known.catch(() => this.known.delete(place));
    }
    return known;
  }

  private async look(key: string): Promise<void> {
    const missing = await missingRights(this.client, this.commands, key, true);
    if (missing.length > 0)
      throw new FulcrumError(
        'denied',
        `${nameOf(this.url)} does not let this user do what is needed: it lacks ${missing.join(' ')} on keys like ${key}`,
      );
  }
}
