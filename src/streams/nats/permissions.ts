import { FulcrumError } from '../../errors.js';
import type { Finding } from '../../ports.js';
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

const what = 'nats permissions';

/** Whether this user may do all that a processor does. */
export async function checkPermissions(link: Link, options: NatsOptions): Promise<Finding> {
  let info: UserInfo;
  try {
    const answer = await link.ask('ask for permissions', () =>
      link.connection.request('$SYS.REQ.USER.INFO', '', { timeout: 2_000 }),
    );
    info = answer.json<UserInfo>();
  } catch (error) {
    if (!(error instanceof FulcrumError)) throw error;
    const detail = 'the server does not tell them (it does from 2.10 on): a refusal shows in what is refused';
    return { what, status: 'ok', detail, mend: '' };
  }
  const { publish, subscribe } = info.data?.permissions ?? {};
  const missing = [
    ...publishes(options)
      .filter((subject) => !isAllowed(publish, subject))
      .map((subject) => `publish to ${subject}`),
    ...['_INBOX.>']
      .filter((subject) => !isAllowed(subscribe, subject))
      .map((subject) => `subscribe to ${subject}`),
  ];
  if (missing.length === 0) return { what, status: 'ok', detail: 'all that a processor needs', mend: '' };
  return { what, status: 'bad', detail: `may not ${missing.join(', ')}`, mend: 'grant this to the user' };
}

function publishes(options: NatsOptions): string[] {
  const { durable } = options;
  const read = (['interactions', 'commands'] as const).map((channel) => placeOf(options, channel).stream);
  const written = (['circuits', 'dead-letters'] as const).map((channel) => placeOf(options, channel));
  // What a store lost is read again, and what was told of it.
  const followed = [...read, placeOf(options, 'circuits').stream];
  return [
    ...written.map(({ subjects }) => subjects),
    ...[...read, ...written.map(({ stream }) => stream)].map((stream) => `$JS.API.STREAM.INFO.${stream}`),
    ...read.flatMap((stream) => [
      `$JS.API.CONSUMER.INFO.${stream}.${durable}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
      `$JS.ACK.${stream}.${durable}.>`,
    ]),
    ...followed.flatMap((stream) => [
      `$JS.API.STREAM.MSG.GET.${stream}`,
      `$JS.API.CONSUMER.CREATE.${stream}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    ]),
  ];
}

function isAllowed({ allow, deny }: Subjects = {}, subject: string): boolean {
  const allowed =
    allow === undefined || allow.length === 0 || allow.some((pattern) => covers(pattern, subject));
  return allowed && !(deny ?? []).some((pattern) => overlaps(pattern, subject));
}
