import { redisOptions } from '../config/servers.js';
import { type Config, configWarnings, type LoadedConfig } from '../config.js';
import { messageOf } from '../errors.js';
import type { Finding } from '../ports.js';
import { checkRedis } from '../store/redis/check.js';
import { checkAgentKeys } from '../store/redis/check-agent-keys.js';
import { keysConnection } from './projection.js';
import { type BrokerKind, connectBroker } from './servers.js';

/** Looks at the config and at every server that is asked for; creates and changes nothing. */
export async function examine(
  { config }: LoadedConfig,
  brokers: readonly BrokerKind[],
  redis: boolean,
): Promise<readonly Finding[]> {
  const findings: Finding[] = configWarnings(config).map((detail) => ({
    what: 'config',
    status: 'warning',
    detail,
    mend: 'leave it, if it is meant',
  }));
  for (const kind of brokers) {
    try {
      const broker = await connectBroker(kind, config, () => {});
      findings.push(...(await broker.check().finally(() => broker.close())));
    } catch (error) {
      findings.push({
        what: kind,
        status: 'bad',
        detail: messageOf(error),
        mend: `start it, or mend ${kind} in the config`,
      });
    }
  }
  if (redis) findings.push(...(await checkRedis(redisOptions(config))), ...(await examineAgentKeys(config)));
  return findings;
}

async function examineAgentKeys(config: Config): Promise<readonly Finding[]> {
  const { agentKeys, redisUrl } = config.projection;
  if (!agentKeys) return [];
  try {
    const option = redisUrl === null ? 'redis.url' : 'projection.redisUrl';
    return [await checkAgentKeys(keysConnection(config), option)];
  } catch (error) {
    return [
      { what: 'config', status: 'bad', detail: messageOf(error), mend: 'mend projection in the config' },
    ];
  }
}
