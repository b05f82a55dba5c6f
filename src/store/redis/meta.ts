/** `ft:meta`: what the layout of a namespace is, and whether a processor works on it. */
import { FulcrumError } from '../../errors.js';
import { nameOf, type RedisClient } from './connection.js';
import { defaultShards, layoutVersion, metaKey } from './layout.js';
import { beginRebuild, rebuildingField, refuseWhileRebuilt } from './rebuilding.js';

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
  /** The state is to be made anew: none may be there, or one of which that did not end. */
  readonly rebuilds: boolean;
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
    if (request.rebuilds) await beginRebuild(client, request.prefix);
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
  if (!request.rebuilds) refuseWhileRebuilt(fields, where);
  else if (fields[rebuildingField] === undefined)
    throw new FulcrumError(
      'mismatch',
      `${where}: there is trust state here, and a rebuild makes it where there is none: name other keys with --prefix, or ` +
        'stop all who use this state and remove it',
    );
  const shards = Number(fields['shards']);
  if (request.shards !== null && request.shards !== shards)
    throw new FulcrumError(
      'mismatch',
      `${where}: the state lies in ${shards} shards, and the config says ${request.shards}: the number is fixed when it is made`,
    );
  return { shards, processor: processorOf(fields['processor'] ?? null) };
}

/** @throws FulcrumError `unavailable` while the state is being made anew */
export async function readProcessor(
  client: RedisClient,
  { url, prefix }: Pick<MetaRequest, 'url' | 'prefix'>,
): Promise<Meta['processor']> {
  const fields = await client.hgetall(metaKey(prefix));
  refuseWhileRebuilt(fields, `${nameOf(url)}, key ${metaKey(prefix)}`, 'unavailable');
  return processorOf(fields['processor'] ?? null);
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
