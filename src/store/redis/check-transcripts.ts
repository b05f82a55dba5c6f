import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.js';
import type { Finding } from '../../ports.js';
import { connectRedis, disconnect, nameOf, type RedisClient } from './connection.js';
import { bad, looked, nodesOf, ok, permissions, persistence, setting, version, warning } from './looks.js';
import { transcriptCommands } from './rights.js';
import type { RedisTranscriptsOptions } from './transcripts.js';
import { rootOf } from './transcripts-layout.js';

export type TranscriptsCheck = Required<
  Pick<RedisTranscriptsOptions, 'url' | 'tls' | 'prefix' | 'shards' | 'bounds'>
>;

const option = 'analysis.transcripts.redisUrl';

/** Looks at the Redis of transcripts: server, memory, settings and permissions. Creates and changes nothing. */
export async function checkTranscripts(options: TranscriptsCheck): Promise<readonly Finding[]> {
  const { url, prefix, shards, bounds } = options;
  let client: RedisClient;
  try {
    client = await connectRedis(options, () => {});
  } catch (error) {
    return [
      bad(`transcripts ${nameOf(url)}`, messageOf(error), `start it, or mend ${option}, user and password`),
    ];
  }
  try {
    const findings: Finding[] = [];
    const nodes = nodesOf(client, url, 'transcripts');
    const textBytes = Math.ceil(shards / nodes.length) * Math.floor(bounds.bytesInTotal / shards);
    const rights = { commands: transcriptCommands, key: `${rootOf(prefix, 1, '0')}sizes`, keys: prefix };
    for (const [where, node] of nodes)
      findings.push(
        await looked(`${where} version`, option, () => version(node, where)),
        await looked(`${where} memory`, option, () => memory(node, where, textBytes)),
        await looked(`${where} persistence`, option, () => persistence(node, where)),
        await looked(`${where} permissions`, option, () => permissions(node, where, rights)),
      );
    return findings;
  } finally {
    disconnect(client);
  }
}

/** @param textBytes of text that the bounds let it keep; what lies round it comes on top */
async function memory(client: Redis, where: string, textBytes: number): Promise<Finding> {
  const what = `${where} memory`;
  const policy = await setting(client, 'maxmemory-policy');
  const most = Number(await setting(client, 'maxmemory'));
  if (most === 0) return ok(what, 'no memory limit');
  if (policy !== 'noeviction')
    return warning(
      what,
      `maxmemory-policy is ${policy}: it takes parts of conversations, whose rest is then analysed`,
      'set maxmemory-policy noeviction, and analysis.transcripts.bytesInTotal so low that all fits',
    );
  if (most <= textBytes)
    return warning(
      what,
      `maxmemory is ${most} bytes, and up to ${textBytes} bytes of text are kept: when it is full, analysers wait`,
      'lower analysis.transcripts.bytesInTotal, or raise maxmemory: what lies round the texts comes on top',
    );
  return ok(what, `${most} bytes, for up to ${textBytes} bytes of text and what lies round them`);
}
