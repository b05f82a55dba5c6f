import { redisOptions, redisTranscriptsOptions } from '../config/servers.js';
import { type Config, configWarnings, type LoadedConfig } from '../config.js';
import { messageOf } from '../errors.js';
import type { Channel, Finding } from '../ports.js';
import { checkRedis } from '../store/redis/check.js';
import { checkAgentKeys } from '../store/redis/check-agent-keys.js';
import { checkTranscripts } from '../store/redis/check-transcripts.js';
import { keysConnection } from './projection.js';
import { type BrokerKind, connectBroker } from './servers.js';

/** Which servers are looked at. */
export interface Asked {
  readonly brokers: readonly BrokerKind[];
  readonly redis: boolean;
  /** The Redis of transcripts, where the config names one. */
  readonly transcripts: boolean;
}

/** Looks at the config and at every server that is asked for; creates and changes nothing. */
export async function examine(
  { config }: LoadedConfig,
  { brokers, redis, transcripts }: Asked,
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
      findings.push(...(await broker.check(analysersWrite(config)).finally(() => broker.close())));
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
  const kept = redisTranscriptsOptions(config);
  if (transcripts && kept !== null && isAnalysing(config)) {
    findings.push(...(await checkTranscripts(kept)));
    if (kept.url === config.redis.url)
      findings.push({
        what: 'analysis.transcripts.redisUrl',
        status: 'warning',
        detail: 'is the Redis of the trust state: what agents say may fill it, and trust then waits',
        mend: 'give transcripts a Redis of their own',
      });
  }
  return findings;
}

/** Analysers are meant to run: the config says so, or gives them a Redis. */
function isAnalysing({ analysis }: Config): boolean {
  return analysis.enabled ?? analysis.transcripts.redisUrl !== null;
}

/** What analysers write; null: there are to be none. */
function analysersWrite(config: Config): readonly Channel[] | null {
  if (!isAnalysing(config)) return null;
  const outcomes = config.analysis.feedback.enabled ? (['interactions'] as const) : [];
  return ['analyses', 'dead-letters', ...outcomes];
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
