import { messageOf } from '../../errors.js';
import type { Finding } from '../../ports.js';
import { agentKeys } from './agent-keys.js';
import { connectRedis, disconnect, nameOf, type RedisConnection } from './connection.js';

/**
 * Looks whether the keys of agents can be kept; changes nothing.
 *
 * @param option the config key that names the server.
 */
export async function checkAgentKeys(connection: RedisConnection, option: string): Promise<Finding> {
  const what = `redis ${nameOf(connection.url)} keys of agents`;
  const mend = `start it, mend ${option}, or set projection.agentKeys to false`;
  try {
    const client = await connectRedis(connection, () => {});
    try {
      const keys = agentKeys('doctor');
      await client.eval("return redis.call('MGET', unpack(KEYS))", keys.length, ...keys);
    } finally {
      disconnect(client);
    }
    return { what, status: 'ok', detail: 'can be read', mend: '' };
  } catch (error) {
    const message = messageOf(error);
    const isForbidden = /NOPERM|can't access|no permissions/i.test(message);
    return {
      what,
      status: 'bad',
      detail: message,
      mend: isForbidden ? 'let the user run scripts on agent:*, or set projection.agentKeys to false' : mend,
    };
  }
}
