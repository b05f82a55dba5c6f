/** What `doctor` looks at on each server, whatever it is for. Nothing is changed. */
import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.js';
import type { Finding } from '../../ports.js';
import { isCluster, nameOf, type RedisClient } from './connection.js';
import { missingRights } from './rights.js';

const oldestServer = 7;

/** What is looked at by itself: each master of a cluster, by its name. @param name what stands before its address */
export function nodesOf(client: RedisClient, url: string, name: string): [where: string, node: Redis][] {
  if (!isCluster(client)) return [[`${name} ${nameOf(url)}`, client]];
  return client.nodes('master').map((node) => [`${name} ${node.options.host}:${node.options.port}`, node]);
}

/**
 * What a look found, or why it could not be had.
 *
 * @param option the config key that names the server
 */
export async function looked(what: string, option: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const message = messageOf(error);
    if (!message.startsWith('NOPERM')) return bad(what, message, 'see the message');
    const isAsideFromWork = message.includes("'config");
    return isAsideFromWork
      ? warning(what, message, `let the user of ${option} run this, or look by hand`)
      : bad(what, message, 'add it to the ACL rule of the user');
  }
}

export async function version(client: Redis, where: string): Promise<Finding> {
  const text = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown';
  const what = `${where} version`;
  if (Number.parseInt(text, 10) >= oldestServer) return ok(what, text);
  return bad(what, text, `run Redis ${oldestServer} or later`);
}

export async function persistence(client: Redis, where: string): Promise<Finding> {
  const what = `${where} persistence`;
  const [aof, fsync] = [await setting(client, 'appendonly'), await setting(client, 'appendfsync')];
  if (aof === 'yes') return ok(what, `append-only file, fsync ${fsync}`);
  return warning(
    what,
    'no append-only file: a restart loses what was written since the last snapshot, if there is one',
    'set appendonly yes and appendfsync everysec, or always',
  );
}

/** @param key one of those that it writes, and `keys` how all of them begin */
export async function permissions(
  client: Redis,
  where: string,
  {
    commands,
    key,
    keys,
  }: { readonly commands: readonly string[]; readonly key: string; readonly keys: string },
): Promise<Finding> {
  const what = `${where} permissions`;
  const missing = await missingRights(client, commands, key);
  if (missing.length === 0) return ok(what, 'the user may do all that is needed');
  return bad(
    what,
    `the user lacks ${missing.join(' ')}, or the keys ~${keys}:*`,
    'add it to the ACL rule of the user',
  );
}

export async function setting(client: Redis, name: string): Promise<string> {
  const [, value = ''] = (await client.call('config', 'get', name)) as string[];
  return value;
}

export function ok(what: string, detail: string): Finding {
  return { what, status: 'ok', detail, mend: '' };
}

export function warning(what: string, detail: string, mend: string): Finding {
  return { what, status: 'warning', detail, mend };
}

export function bad(what: string, detail: string, mend: string): Finding {
  return { what, status: 'bad', detail, mend };
}
