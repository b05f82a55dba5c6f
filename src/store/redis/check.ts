import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.js';
import type { Finding } from '../../ports.js';
import { connectRedis, isCluster, nameOf, type RedisClient, type RedisConnection } from './connection.js';
import { defaultPrefix, layoutVersion, metaKey, policiesKey } from './layout.js';
import { SharedPolicies } from './policies.js';
import { rebuildingField } from './rebuilding.js';
import { missingRights } from './rights.js';

export interface RedisCheck extends RedisConnection {
  readonly prefix?: string;
  readonly shards?: number;
}

const oldestServer = 7;

/** Looks at server, settings, permissions and layout; creates and changes nothing. */
export async function checkRedis(options: RedisCheck): Promise<readonly Finding[]> {
  const where = `redis ${nameOf(options.url)}`;
  let client: RedisClient;
  try {
    client = await connectRedis(options, () => {});
  } catch (error) {
    return [bad(where, messageOf(error), 'start it, or mend redis.url, user and password')];
  }
  try {
    const prefix = options.prefix ?? defaultPrefix;
    const findings: Finding[] = [];
    for (const [where, node] of nodesOf(client, options.url))
      findings.push(
        await looked(`${where} version`, () => version(node, where)),
        await looked(`${where} eviction`, () => eviction(node, where)),
        await looked(`${where} persistence`, () => persistence(node, where)),
        await looked(`${where} permissions`, () => permissions(node, where, prefix)),
      );
    return [
      ...findings,
      await looked(`${where} key ${metaKey(prefix)}`, () => layout(client, prefix, options.shards ?? null)),
      await looked(`${where} key ${policiesKey(prefix)}`, () => policies(client, prefix, options.url)),
    ];
  } finally {
    client.disconnect();
  }
}

/** What is looked at by itself: each master of a cluster, by its name. */
function nodesOf(client: RedisClient, url: string): [where: string, node: Redis][] {
  if (!isCluster(client)) return [[`redis ${nameOf(url)}`, client]];
  return client.nodes('master').map((node) => [`redis ${node.options.host}:${node.options.port}`, node]);
}

async function looked(what: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const message = messageOf(error);
    if (!message.startsWith('NOPERM')) return bad(what, message, 'see the message');
    const isAsideFromWork = message.includes("'config");
    return isAsideFromWork
      ? {
          what,
          status: 'warning',
          detail: message,
          mend: 'let the user of redis.url run this, or look by hand',
        }
      : bad(what, message, 'add it to the ACL rule of the user');
  }
}

async function version(client: Redis, where: string): Promise<Finding> {
  const text = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown';
  const what = `${where} version`;
  if (Number.parseInt(text, 10) >= oldestServer) return ok(what, text);
  return bad(what, text, `run Redis ${oldestServer} or later`);
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

async function persistence(client: Redis, where: string): Promise<Finding> {
  const what = `${where} persistence`;
  const [aof, fsync] = [await setting(client, 'appendonly'), await setting(client, 'appendfsync')];
  if (aof === 'yes') return ok(what, `append-only file, fsync ${fsync}`);
  const detail =
    'no append-only file: a restart loses what was written since the last snapshot, if there is one';
  return { what, status: 'warning', detail, mend: 'set appendonly yes and appendfsync everysec, or always' };
}

async function setting(client: Redis, name: string): Promise<string> {
  const [, value = ''] = (await client.call('config', 'get', name)) as string[];
  return value;
}

async function permissions(client: Redis, where: string, prefix: string): Promise<Finding> {
  const what = `${where} permissions`;
  const key = `${prefix}:{0}:mark`;
  const missing = await missingRights(client, key);
  if (missing.length === 0) return ok(what, 'the user may do all that is needed');
  return bad(
    what,
    `the user lacks ${missing.join(' ')}, or the keys ~${prefix}:*`,
    'add it to the ACL rule of the user',
  );
}

async function layout(client: RedisClient, prefix: string, shards: number | null): Promise<Finding> {
  const what = `redis key ${metaKey(prefix)}`;
  const fields = await client.hgetall(metaKey(prefix));
  if (fields['layout'] === undefined)
    return {
      what,
      status: 'warning',
      detail: 'there is no trust state here yet',
      mend: 'a processor makes it when it first starts',
    };
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

function ok(what: string, detail: string): Finding {
  return { what, status: 'ok', detail, mend: '' };
}

function bad(what: string, detail: string, mend: string): Finding {
  return { what, status: 'bad', detail, mend };
}
