import { FulcrumError, isPermanent } from '../../errors.js';
import { type ConnectionListener, type RedisClient, unavailable } from './connection.js';
import { allShards, type Layout } from './layout.js';
import { Rights, storeCommands } from './rights.js';
import { runScript, type ScriptName, type ScriptValue } from './scripts.js';
import { type ShardGroup, Shards } from './shards.js';

/** What a script is called with. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly ScriptValue[];
}

/** The calls of one store, until it is closed: what fails is told in one sentence, and nothing is half allowed. */
export class Calls {
  readonly shards: Shards;
  private readonly rights: Rights;
  private isOpen = true;

  constructor(
    readonly client: RedisClient,
    readonly layout: Layout,
    readonly url: string,
    listener: ConnectionListener,
  ) {
    this.shards = new Shards(listener);
    this.rights = new Rights(client, url, storeCommands);
  }

  /** Shards that one call may be about: all of them, but for a cluster. */
  get groups(): readonly ShardGroup[] {
    const shards = allShards(this.layout);
    return this.client.isCluster ? shards.map((shard) => [shard]) : [shards];
  }

  /** @throws FulcrumError `denied` before anything is done, `unavailable`, `store_closed` */
  run(name: ScriptName, { keys, args }: ScriptCall): Promise<unknown> {
    return this.ask(async () => {
      await this.rights.check(keys);
      return runScript(this.client, name, keys, args);
    });
  }

  async ask<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isOpen) throw new FulcrumError('store_closed', 'the Redis store is closed');
    try {
      return await work();
    } catch (error) {
      throw unavailable(this.url, error);
    }
  }

  /** Asks what no shard has to do with; undefined where a node of a cluster is away, for the shards go on. */
  async askAny<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.ask(work);
    } catch (error) {
      if (!this.client.isCluster || isPermanent(error)) throw error;
      return undefined;
    }
  }

  /** Takes no more calls; false: it was ended before. */
  end(): boolean {
    const ends = this.isOpen;
    this.isOpen = false;
    return ends;
  }
}
