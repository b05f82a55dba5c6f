import { FulcrumError } from '../../errors.js';
import { type Channel, type Finding, readers } from '../../ports.js';
import type { Link } from './link.js';
import type { NatsOptions } from './options.js';
import { placeOf } from './places.js';
import { covers, overlaps } from './subjects.js';

interface Subjects {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What the server tells of its user. */
interface UserInfo {
  readonly data?: {
    readonly user?: string;
    readonly permissions?: { readonly publish?: Subjects; readonly subscribe?: Subjects };
  };
}

/** What one kind of process has to be allowed. */
export interface NeededRights {
  /** What the finding is called. */
  readonly what: string;
  readonly who: string;
  /** Subjects that it publishes to. */
  readonly publishes: readonly string[];
}

/** Whether this user may do all that is needed. */
export async function checkPermissions(link: Link, { what, who, publishes }: NeededRights): Promise<Finding> {
  let info: UserInfo;
  try {
    const answer = await link.ask('ask for permissions', () =>
      link.connection.request('$SYS.REQ.USER.INFO', '', { timeout: 2_000 }),
    );
    info = answer.json<UserInfo>();
  } catch (error) {
    if (!(error instanceof FulcrumError)) throw error;
    const detail =
      'the server does not tell them (it does from 2.10 on, where the user may publish to $SYS.REQ.USER.INFO): ' +
      'a refusal shows in what is refused';
    return { what, status: 'ok', detail, mend: '' };
  }
  const { publish, subscribe } = info.data?.permissions ?? {};
  const missing = [
    ...publishes.filter((subject) => !isAllowed(publish, subject)).map((subject) => `publish to ${subject}`),
    ...['_INBOX.>']
      .filter((subject) => !isAllowed(subscribe, subject))
      .map((subject) => `subscribe to ${subject}`),
  ];
  if (missing.length === 0) return { what, status: 'ok', detail: `all that ${who} needs`, mend: '' };
  return { what, status: 'bad', detail: `may not ${missing.join(', ')}`, mend: 'grant this to the user' };
}

export function processorRights(options: NatsOptions): NeededRights {
  const read = (['interactions', 'commands'] as const).map((channel) => placeOf(options, channel).stream);
  // What a store lost is read again, and what was told of it.
  const followed = [...read, placeOf(options, 'circuits').stream];
  return {
    what: 'nats permissions',
    who: 'a processor',
    publishes: [
      ...shared(options, ['interactions', 'commands'], ['circuits', 'dead-letters']),
      ...followed.flatMap((stream) => [
        `$JS.API.STREAM.MSG.GET.${stream}`,
        `$JS.API.CONSUMER.CREATE.${stream}`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
      ]),
    ],
  };
}

/** @param options those of analysers: see `optionsOf` */
export function analyserRights(options: NatsOptions, writes: readonly Channel[]): NeededRights {
  return {
    what: 'nats permissions of analysers',
    who: 'an analyser',
    publishes: shared(options, readers.analysers, writes),
  };
}

/** To read some channels through their durable consumers, and write others. */
function shared(
  options: NatsOptions,
  reads: readonly Channel[],
  writes: readonly Channel[],
): readonly string[] {
  const { durable } = options;
  const read = reads.map((channel) => placeOf(options, channel).stream);
  const written = writes.map((channel) => placeOf(options, channel));
  const streams = new Set([...read, ...written.map(({ stream }) => stream)]);
  return [
    ...written.map(({ subjects }) => subjects),
    ...[...streams].map((stream) => `$JS.API.STREAM.INFO.${stream}`),
    ...read.flatMap((stream) => [
      `$JS.API.CONSUMER.INFO.${stream}.${durable}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
      `$JS.ACK.${stream}.${durable}.>`,
    ]),
  ];
}

function isAllowed({ allow, deny }: Subjects = {}, subject: string): boolean {
  const allowed =
    allow === undefined || allow.length === 0 || allow.some((pattern) => covers(pattern, subject));
  return allowed && !(deny ?? []).some((pattern) => overlaps(pattern, subject));
}
