import { type ErrorCode, FulcrumError, messageOf } from '../../errors.js';

interface Link {
  readonly name: string;
  /** Of what a broker answered, e.g. `MESSAGE_TOO_LARGE`. */
  readonly type: string;
  /** Of a socket's failure, e.g. `ECONNREFUSED`. */
  readonly code: string;
}

/** What kafkajs says of the error, and of those that caused it, outermost first. */
function chainOf(error: unknown): readonly Link[] {
  const chain: Link[] = [];
  const seen = new Set<unknown>();
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    chain.push({
      name: at.name,
      type: 'type' in at ? String(at.type) : '',
      code: 'code' in at ? String(at.code) : '',
    });
    if ('errors' in at && Array.isArray(at.errors)) chain.push(...at.errors.flatMap(chainOf));
  }
  return chain;
}

/** Whether the broker answered with this error, e.g. `MESSAGE_TOO_LARGE`. */
export function isAnswer(error: unknown, ...types: readonly string[]): boolean {
  return chainOf(error).some(({ type }) => types.includes(type));
}

/** Another member joined or left, or the group has given us up: what is not committed is delivered again. */
export function isRebalance(error: unknown): boolean {
  return isAnswer(
    error,
    'REBALANCE_IN_PROGRESS',
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'NOT_COORDINATOR_FOR_GROUP',
  );
}

/** A topic was created a moment ago, and not every broker knows. */
export function isAppearing(error: unknown): boolean {
  return isAnswer(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION');
}

/** The broker of a group has just come up, and reads what it knows of it. */
export function isLoading(error: unknown): boolean {
  return (
    isAnswer(
      error,
      'GROUP_LOAD_IN_PROGRESS',
      'GROUP_COORDINATOR_NOT_AVAILABLE',
      'NOT_COORDINATOR_FOR_GROUP',
    ) || chainOf(error).some(({ name }) => name === 'KafkaJSGroupCoordinatorNotFound')
  );
}

/** A broker's refusal of what was asked, whoever asks. */
const refusals = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_CONFIG',
  'INVALID_SESSION_TIMEOUT',
  'POLICY_VIOLATION',
];

function codeOf(error: unknown): ErrorCode {
  const chain = chainOf(error);
  if (chain.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return 'denied';
  if (chain.some(({ type }) => type.endsWith('_AUTHORIZATION_FAILED'))) return 'denied';
  if (isAnswer(error, 'UNSUPPORTED_SASL_MECHANISM')) return 'denied';
  // It says so of a batch in zstd where Node does not know that.
  if (chain.some(({ name }) => name === 'KafkaJSNotImplemented')) return 'mismatch';
  return isAnswer(error, ...refusals) ? 'refused' : 'unavailable';
}

/** Any failure as an error of ours: `what` failed, why, and what to do. */
export function kafkaError(what: string, error: unknown): FulcrumError {
  if (error instanceof FulcrumError) return error;
  const code = codeOf(error);
  return new FulcrumError(code, `${what}: ${reasonOf(error)}; ${remedyOf(code, error)}`, { cause: error });
}

function remedyOf(code: ErrorCode, error: unknown): string {
  if (code === 'denied') return 'check the Kafka user, its password and its ACLs';
  if (code === 'mismatch')
    return 'run Node 22.15 or later, and set compression.type=uncompressed of the topic for what is yet to come';
  if (code === 'refused') return 'change the setting that it names';
  if (chainOf(error).some(({ code: tls }) => /CERT|SIGNATURE|SSL|TLS|EPROTO/.test(tls)))
    return 'check the TLS settings and the certificates';
  return 'check that Kafka runs and can be reached there';
}

/** The innermost messages of an aggregate say more than its own. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors) && error.errors.length > 0)
    return error.errors.map(messageOf).join(', ');
  // kafkajs answers so when a request to every broker failed, and hides the failures.
  if (error instanceof TypeError) return 'no broker answered';
  return messageOf(error);
}
