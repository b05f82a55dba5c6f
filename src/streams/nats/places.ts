/** Where each channel lies: its stream and its subjects. */
import type { Channel } from '../../ports.js';
import type { NatsOptions } from './options.js';

/** Subjects that others own: no stream of ours may hold them. */
export const foreignSubjects = [
  'fulcrum.foundry.>',
  'fulcrum.audit.>',
  'fulcrum.envelope',
  'fulcrum.trust.agent.>',
] as const;

/** Channels whose subjects name behind the tenant a pair id, or the reason of a dead letter. */
const keyedChannels: readonly Channel[] = ['circuits', 'dead-letters', 'analyses'];

export function isKeyed(channel: Channel): boolean {
  return keyedChannels.includes(channel);
}

/** Where the events of a channel lie. */
export interface Place {
  readonly channel: Channel;
  readonly stream: string;
  /** Which option names the stream. */
  readonly option: string;
  /** What its subjects begin with, the last dot included; a tenant follows. */
  readonly root: string;
  /** All of its subjects. */
  readonly subjects: string;
}

export function placeOf(options: NatsOptions, channel: Channel): Place {
  const key = channel === 'dead-letters' ? 'deadLetters' : channel;
  const root = `${options.subjectPrefix}.${channel}.`;
  return {
    channel,
    stream: options.streams[key],
    option: `nats.streams.${key}`,
    root,
    subjects: isKeyed(channel) ? `${root}*.*` : `${root}*`,
  };
}
