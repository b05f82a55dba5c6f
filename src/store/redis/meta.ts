/** `ft:meta`: what the layout of a namespace is, and whether a processor works on it. */
import { FulcrumError } from '../../errors.js';
import { nameOf, type RedisClient } from './connection.js';
import { defaultShards, layoutVersion, metaKey } from './layout.js';

export interface Meta {
  readonly shards: number;
  /** The rules of the processors that registered; null: none has. */
  readonly processor: { readonly timedRecovery: boolean } | null;
}

export interface MetaRequest {
  readonly url: string;
  readonly prefix: string;
  /** null: as it is there. */
  readonly shards: number | null;
  /** false: refuse where there is none. */
  readonly create: boolean;
}

/** What is said where state has to be and a key of it is absent. */
export function emptied(url: string, key: string): FulcrumError {
  return new FulcrumError(
    'mismatch',
    `${nameOf(url)}, key ${key}: there is no trust state here, though events were acknowledged: it was emptied or is ` +
      'another server. `fulcrum-trust rebuild` makes it anew from the logs, --fresh begins without what was',
  );
}

/** @throws FulcrumError `mismatch` when the layout is another, or there is none and none is to be made. */
export async function openMeta(client: RedisClient, request: MetaRequest): Promise<Meta> {
  const key = metaKey(request.prefix);
  const where = `${nameOf(request.url)}, key ${key}`;
  let fields = await client.hgetall(key);
  if (fields['layout'] === undefined) {
    if (!request.create) throw emptied(request.url, key);
    await client.hsetnx(key, 'shards', String(request.shards ?? defaultShards));
    await client.hsetnx(key, 'layout', String(layoutVersion));
    fields = await client.hgetall(key);
  }
  const layout = Number(fields['layout']);
  if (layout !== layoutVersion)
    throw new FulcrumError(
      'mismatch',
      `${where}: the layout is of version ${layout}, this one reads ${layoutVersion}`,
    );
  const shards = Number(fields['shards']);
  if (request.shards !== null && request.shards !== shards)
    throw new FulcrumError(
      'mismatch',
      `${where}: the state lies in ${shards} shards, and the config says ${request.shards}: the number is fixed when it is made`,
    );
  return { shards, processor: processorOf(fields['processor'] ?? null) };
}

export async function readProcessor(client: RedisClient, prefix: string): Promise<Meta['processor']> {
  return processorOf(await client.hget(metaKey(prefix), 'processor'));
}

function processorOf(field: string | null): Meta['processor'] {
  return field === null ? null : { timedRecovery: field === 'timed' };
}

/** Says that a processor works here: from now on its rules are those of everybody. */
export async function registerProcessor(
  client: RedisClient,
  prefix: string,
  timedRecovery: boolean,
): Promise<void> {
  await client.hset(metaKey(prefix), 'processor', timedRecovery ? 'timed' : 'untimed');
}
