import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.js';
import type { Finding } from '../../ports.js';
import { connectRedis, disconnect, nameOf, type RedisClient, type RedisConnection } from './connection.js';
import { defaultPrefix, layoutVersion, metaKey, policiesKey } from './layout.js';
import { bad, looked, nodesOf, ok, permissions, persistence, setting, version, warning } from './looks.js';
import { SharedPolicies } from './policies.js';
import { rebuildingField } from './rebuilding.js';
import { storeCommands } from './rights.js';

export interface RedisCheck extends RedisConnection {
  readonly prefix?: string;
  readonly shards?: number;
}

const option = 'redis.url';

/** Looks at server, settings, permissions and layout; creates and changes nothing. */
export async function checkRedis(options: RedisCheck): Promise<readonly Finding[]> {
  const where = `redis ${nameOf(options.url)}`;
  let client: RedisClient;
  try {
    client = await connectRedis(options, () => {});
  } catch (error) {
    return [bad(where, messageOf(error), `start it, or mend ${option}, user and password`)];
  }
  try {
    const prefix = options.prefix ?? defaultPrefix;
    const findings: Finding[] = [];
    const rights = { commands: storeCommands, key: `${prefix}:{0}:mark`, keys: prefix };
    for (const [where, node] of nodesOf(client, options.url, 'redis'))
      findings.push(
        await looked(`${where} version`, option, () => version(node, where)),
        await looked(`${where} eviction`, option, () => eviction(node, where)),
        await looked(`${where} persistence`, option, () => persistence(node, where)),
        await looked(`${where} permissions`, option, () => permissions(node, where, rights)),
      );
    const [meta, shared] = [metaKey(prefix), policiesKey(prefix)];
    return [
      ...findings,
      await looked(`${where} key ${meta}`, option, () => layout(client, prefix, options.shards ?? null)),
      await looked(`${where} key ${shared}`, option, () => policies(client, prefix, options.url)),
    ];
  } finally {
    disconnect(client);
  }
}

async function eviction(client: Redis, where: string): Promise<Finding> {
  const what = `${where} eviction`;
  const policy = await setting(client, 'maxmemory-policy');
  const most = Number(await setting(client, 'maxmemory'));
  if (most === 0 || policy === 'noeviction') return ok(what, most === 0 ? 'no memory limit' : 'noeviction');
  return bad(
    what,
    `maxmemory-policy is ${policy}`,
    'set maxmemory-policy noeviction: an evicted pair is lost trust',
  );
}

async function layout(client: RedisClient, prefix: string, shards: number | null): Promise<Finding> {
  const what = `redis key ${metaKey(prefix)}`;
  const fields = await client.hgetall(metaKey(prefix));
  if (fields['layout'] === undefined)
    return warning(what, 'there is no trust state here yet', 'a processor makes it when it first starts');
  if (Number(fields['layout']) !== layoutVersion)
    return bad(
      what,
      `layout ${fields['layout']}`,
      `this version reads layout ${layoutVersion}: use one that fits`,
    );
  if (shards !== null && Number(fields['shards']) !== shards)
    return bad(
      what,
      `${fields['shards']} shards`,
      `redis.shards is ${shards}: the number is fixed, mend the config`,
    );
  if (fields[rebuildingField] !== undefined)
    return bad(
      what,
      'the state is being rebuilt, or a rebuild did not end',
      'wait for it, or begin it again: it goes on where it was',
    );
  return ok(what, `layout ${fields['layout']}, ${fields['shards']} shards`);
}

async function policies(client: RedisClient, prefix: string, url: string): Promise<Finding> {
  const what = `redis key ${policiesKey(prefix)}`;
  const known = await new SharedPolicies(client, prefix, url).read();
  if (known === null) return ok(what, 'none: every pair is under the defaults');
  return ok(what, `version ${known.version}, ${known.book.all.length} policies`);
}
