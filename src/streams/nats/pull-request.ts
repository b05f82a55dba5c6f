import { type Msg, nanos } from 'nats';
import { FulcrumError } from '../../errors.js';

/** A request stays open this long, so that what comes meanwhile is delivered at once. */
const openMs = 30_000;
/** How often the server says that a request is still open. */
export const heartbeatMs = 3_000;

/** A request for messages, as the server keeps it. */
export interface PullRequest {
  /** Where the server says how it fares. */
  readonly inbox: string;
  missing: number;
  brought: number;
}

export function pullBody(batch: number, bytes: number): string {
  return JSON.stringify({
    batch,
    max_bytes: bytes,
    expires: nanos(openMs),
    idle_heartbeat: nanos(heartbeatMs),
  });
}

/**
 * What the server says of a request: that it is still open, that its time is over, that the next message does not
 * fit into it, or why else it has ended.
 *
 * @param what the consumer, for errors.
 */
export function pullStatus({ headers }: Msg, what: string): 'open' | 'over' | 'full' | FulcrumError {
  const { code = 0, description = '' } = headers ?? {};
  if (code === 100) return 'open';
  if (code === 408) return 'over';
  if (/message size exceeds maxbytes|batch completed/i.test(description)) return 'full';
  if (code === 503) return new FulcrumError('unavailable', `${what} does not answer`);
  const said = `${code} ${description}`;
  if (code === 400 || /exceeded maxrequest|push based/i.test(description))
    return new FulcrumError('mismatch', `${what} refuses to be read (${said}): mend its settings`);
  return new FulcrumError('unavailable', `${what} ended a request (${said})`);
}
