import { redisOptions } from '../config/servers.js';
import { configWarnings, type LoadedConfig } from '../config.js';
import { messageOf } from '../errors.js';
import type { Finding } from '../ports.js';
import { checkRedis } from '../store/redis/check.js';
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
  if (redis) findings.push(...(await checkRedis(redisOptions(config))));
  return findings;
}
