/** What `up` stands on without a broker: topics in this process, and state in a folder or in Redis. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import type { EventSink, Probes, SourceMark, TrustStore } from '../ports.js';
import type { AnalysisStore } from '../rlm/ports.js';
import { EmbeddedStore } from '../store/embedded/store.js';
import { MemoryProbes } from '../store/memory-probes.js';
import type { RedisStore } from '../store/redis/store.js';
import { FileSink } from '../streams/file.js';
import { MemorySink, MemoryTopic } from '../streams/memory.js';
import type { PolicyBook } from '../trust/policies.js';
import { livePolicies } from './live-policies.js';
import type { Opened } from './opened.js';
import { takeOver, topicPrefix } from './ownership.js';
import { openRedis } from './servers.js';
import { sharedPolicies } from './shared-policies.js';
import type { UpRequest } from './up.js';
import { loggedStatus, reached } from './weather.js';

export interface Alone {
  readonly interactions: MemoryTopic;
  readonly commands: MemoryTopic;
  readonly circuits: MemorySink;
  readonly store: TrustStore;
  readonly deadLetters: EventSink;
  readonly analyses: AnalysisStore;
  readonly probes: Probes;
  readonly policies: () => PolicyBook;
}

export function openAlone(request: UpRequest, opened: Opened): Promise<Alone> {
  return request.store === 'redis' ? openOnRedis(request, opened) : openOnFolder(request, opened);
}

async function openOnFolder({ loaded, overrides, logger }: UpRequest, opened: Opened): Promise<Alone> {
  const { dataDir } = loaded.config;
  const store = await EmbeddedStore.open(dataDir);
  opened.add(() => store.close());
  const topic = (name: string): MemoryTopic =>
    new MemoryTopic({ name, clock: systemClock, firstSequence: store.lastApplied(name) + 1 });
  return {
    interactions: topic('http-interactions'),
    commands: topic('http-commands'),
    circuits: new MemorySink(),
    store,
    analyses: store.analyses,
    deadLetters: new FileSink(join(dataDir, 'dead-letters.ndjson')),
    probes: new MemoryProbes(),
    policies: livePolicies({ loaded, overrides, logger }, opened),
  };
}

/** A process that has marked nothing for so long, in seconds, has no batch under way any more. */
const goneAfterSeconds = 3_600;

async function openOnRedis(request: UpRequest, opened: Opened): Promise<Alone> {
  const { loaded, logger } = request;
  const store = await reached(
    'connect to redis',
    () => openRedis(loaded.config, loggedStatus(logger), true),
    request,
  );
  opened.add(() => store.close());
  await takeOver(store);
  // Positions begin anew with each process, so the topic has a name that no earlier one had.
  const epoch = `${Date.now()}-${randomBytes(4).toString('hex')}`;
  const name = topicPrefix + epoch;
  const commandsName = `http-commands@${epoch}`;
  await forgetGone(store);
  // Before its first event: whatever becomes of this process, its marks can be found.
  await store.mark([{ source: name, acknowledged: 0, readTo: systemClock() }]);
  const interactions = new MemoryTopic({ name, clock: systemClock });
  // All that it was told is applied by now, or never will be: nobody can read this topic again. Where Redis is away,
  // a later process does it.
  opened.add(async () => {
    for (const topic of [name, commandsName]) await store.forget(topic).catch(() => {});
  });
  return {
    interactions,
    commands: new MemoryTopic({ name: commandsName, clock: systemClock }),
    circuits: new MemorySink(),
    store,
    analyses: store.analyses,
    // What comes over HTTP is refused to its sender, and nothing else comes.
    deadLetters: new MemorySink(),
    probes: store.probes,
    policies: await sharedPolicies(request, store, opened),
  };
}

/** What processes that were killed have left of their topics. */
async function forgetGone(store: RedisStore): Promise<void> {
  const now = systemClock();
  const isGone = ({ source, readTo = 0 }: SourceMark): boolean =>
    source.startsWith(topicPrefix) && readTo < now - goneAfterSeconds;
  for (const { source } of (await store.marks()).filter(isGone)) await store.forget(source);
}
