/** What a processor stands on whose events come from a broker: `process`, and `up` on NATS or Kafka. */
import type { ConfigOverrides, LoadedConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import type { Broker, LogSource, Probes, SharedStore } from '../ports.js';
import type { AnalysisStore } from '../rlm/ports.js';
import { EmbeddedLogStore } from '../store/embedded/log-store.js';
import { MemoryProbes } from '../store/memory-probes.js';
import type { PolicyBook } from '../trust/policies.js';
import { livePolicies } from './live-policies.js';
import type { Opened } from './opened.js';
import { refuseBesideAlone } from './ownership.js';
import type { ProcessorParts } from './processing.js';
import { type BrokerKind, connectBroker, isBegun, openRedis } from './servers.js';
import { sharedPolicies } from './shared-policies.js';
import { loggedStatus, type Reach, reached } from './weather.js';

export interface FleetRequest extends Reach {
  readonly loaded: LoadedConfig;
  /** What the command line said over the config file. */
  readonly overrides: ConfigOverrides;
  readonly source: BrokerKind;
  /** Where the state is kept: in Redis, for any number of processes, or in the data folder, for this one. */
  readonly store: 'redis' | 'folder';
  /** Begin without state though events were acknowledged. */
  readonly fresh: boolean;
}

export interface Fleet {
  readonly broker: Broker;
  readonly interactions: LogSource;
  readonly commands: LogSource;
  readonly store: SharedStore;
  readonly policies: () => PolicyBook;
  readonly analyses: AnalysisStore;
  /** Who may be the probe of a pair, where the broker cannot say. */
  readonly probes: Probes;
}

/** What a processor of the fleet stands on. */
export function partsOf({ broker, interactions, commands, store, policies }: Fleet): ProcessorParts {
  const { sink } = broker;
  return {
    store,
    interactions: [interactions],
    commands,
    circuits: sink,
    deadLetters: sink,
    policies,
    logs: broker,
  };
}

export async function openFleet(request: FleetRequest, opened: Opened): Promise<Fleet> {
  const { loaded, source, logger } = request;
  const reach = <T>(what: string, work: () => Promise<T>) => reached(what, work, request);
  const broker = await reach(`connect to ${source}`, () =>
    connectBroker(source, loaded.config, loggedStatus(logger)),
  );
  opened.add(() => broker.close());
  const interactions = await reach('open the interactions', () => broker.consume('interactions'));
  const commands = await reach('open the commands', () => broker.consume('commands'));
  // Who waits for a circuit to open may come before the first one does.
  await reach('prepare the circuits', () => broker.prepare('circuits'));
  const begun = !request.fresh && (await reach('ask how far it is read', () => isBegun(broker)));
  const state = await (request.store === 'redis'
    ? openShared(request, begun, opened)
    : openFolder(request, begun ? interactions.logs() : [], opened));
  return { broker, interactions, commands, ...state };
}

type State = Pick<Fleet, 'store' | 'analyses' | 'policies' | 'probes'>;

async function openShared(request: FleetRequest, begun: boolean, opened: Opened): Promise<State> {
  const { loaded, logger } = request;
  const store = await reached(
    'connect to redis',
    () => openRedis(loaded.config, loggedStatus(logger), !begun),
    request,
  );
  opened.add(() => store.close());
  await reached('look who works on this state', () => refuseBesideAlone(store), request);
  return {
    store,
    analyses: store.analyses,
    policies: await sharedPolicies(request, store, opened),
    probes: store.probes,
  };
}

/** @param begun the logs of which the folder has to know something */
async function openFolder(
  { loaded, overrides, logger, source }: FleetRequest,
  begun: readonly string[],
  opened: Opened,
): Promise<State> {
  const { dataDir } = loaded.config;
  const store = await EmbeddedLogStore.open(dataDir);
  opened.add(() => store.close());
  const known = new Set((await store.marks()).map((mark) => mark.source));
  if (begun.length > 0 && !begun.some((log) => known.has(log)))
    throw new FulcrumError(
      'mismatch',
      `${dataDir} holds nothing of ${begun.join(', ')}, though events of it were acknowledged through ${source}: name the ` +
        'folder that has the state, or Redis with --redis where several processes share it; --fresh begins without what was',
    );
  const policies = livePolicies({ loaded, overrides, logger }, opened);
  return { store, analyses: store.analyses, policies, probes: new MemoryProbes() };
}
