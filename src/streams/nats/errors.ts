import { ErrorCode, NatsError } from 'nats';
import { FulcrumError, messageOf } from '../../errors.js';

/** Error codes of the JetStream API. */
export const apiCodes = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  messageNotFound: 10037,
  jetStreamNotEnabled: 10076,
  jetStreamNotEnabledForAccount: 10039,
  streamNameInUse: 10058,
  consumerExists: 10148,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
  messageTooLarge: 10054,
  headersTooLarge: 10097,
} as const;

export function isApiError(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof NatsError && codes.includes(error.api_error?.err_code ?? 0);
}

const jetStreamOff = 'start the server with JetStream (-js) and enable it for the account';

/**
 * What a request that failed means for its caller.
 *
 * @param what what was tried, e.g. `nats stream FULCRUM_CIRCUITS: publish to fulcrum.trust.circuits.a.b`.
 */
export function requestFailure(what: string, cause: unknown): FulcrumError {
  if (cause instanceof FulcrumError) return cause;
  const fail = (code: 'unavailable' | 'denied' | 'mismatch', why: string): FulcrumError =>
    new FulcrumError(code, `${what}: ${why}`, { cause });
  if (!(cause instanceof NatsError)) return fail('unavailable', messageOf(cause));
  if (cause.isPermissionError()) return fail('denied', `${unquoted(cause)}: grant it to this user`);
  if (isApiError(cause, apiCodes.jetStreamNotEnabled, apiCodes.jetStreamNotEnabledForAccount))
    return fail('unavailable', `JetStream is not enabled: ${jetStreamOff}`);
  if (isApiError(cause, apiCodes.subjectsOverlap))
    return fail('mismatch', 'another stream has its subjects: take them from it, or set nats.subjectPrefix');
  if (cause.api_error !== undefined) return fail('unavailable', cause.api_error.description);
  if (cause.code === ErrorCode.NoResponders)
    return fail('unavailable', `nobody answers, JetStream is off or has no leader: ${jetStreamOff}`);
  if (cause.code === ErrorCode.Timeout) return fail('unavailable', 'no answer within 5 s');
  return fail('unavailable', cause.message);
}

const authenticationCodes: readonly string[] = [
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.AuthenticationTimeout,
  ErrorCode.AccountExpired,
];

export function isAuthenticationCode(code: unknown): boolean {
  return typeof code === 'string' && authenticationCodes.includes(code);
}

/** Why no connection came about. */
export function connectFailure(servers: string, cause: unknown): FulcrumError {
  const fail = (code: 'unavailable' | 'denied', why: string): FulcrumError =>
    new FulcrumError(code, `nats at ${servers} ${why}`, { cause });
  const code = codeOf(cause);
  if (isAuthenticationCode(code))
    return fail(
      'denied',
      `refuses the credentials (${unquoted(cause)}): check nats.user and nats.password, ` +
        'nats.token, nats.nkeySeedFile or nats.credsFile',
    );
  if (code === ErrorCode.ServerOptionNotAvailable)
    return fail('denied', 'offers no TLS: turn it on there, or set nats.tls to null and use nats://');
  if (/^(ERR_(TLS|SSL)|TLS$|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)|CERT|EPROTO/.test(code))
    return fail(
      'denied',
      `fails at TLS (${messageOf(cause)}): check nats.tls and the host name in nats.servers`,
    );
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return fail('unavailable', 'is an unknown host: check nats.servers');
  if (code === ErrorCode.ConnectionRefused)
    return fail('unavailable', 'refuses the connection: start it, or check nats.servers');
  if (code === ErrorCode.Timeout)
    // A server that wants a certificate breaks off after the handshake, and the library waits on.
    return fail(
      'unavailable',
      'does not answer: check nats.servers, and nats.tls if it asks for a certificate',
    );
  return fail('unavailable', `cannot be reached (${messageOf(cause)}): check nats.servers`);
}

/** What the server said, which the library leaves in quotes. */
function unquoted(cause: unknown): string {
  return messageOf(cause).replace(/^'|'$/g, '');
}

function codeOf(cause: unknown): string {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}
