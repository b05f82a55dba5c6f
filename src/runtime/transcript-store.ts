import { join } from 'node:path';
import { redisTranscriptsOptions } from '../config/servers.js';
import type { Config } from '../config.js';
import type { TranscriptStore } from '../rlm/ports.js';
import { transcriptsFolder } from '../store/embedded/folder.js';
import { EmbeddedTranscripts } from '../store/embedded/transcripts.js';
import { RedisTranscripts } from '../store/redis/transcripts.js';
import type { StatusListener } from './servers.js';

/** Opens the transcripts where the config says that they are kept. */
export async function openTranscripts(config: Config, onStatus: StatusListener): Promise<TranscriptStore> {
  const redis = redisTranscriptsOptions(config);
  if (redis !== null) return RedisTranscripts.open({ ...redis, onStatus });
  const { folder, bytesPerPair, bytesInTotal, maxAgeSeconds } = config.analysis.transcripts;
  const bounds = { bytesPerPair, bytesInTotal, maxAgeSeconds };
  return EmbeddedTranscripts.open(folder ?? join(config.dataDir, transcriptsFolder), { bounds });
}
