import { formatTime } from './time.js';

/** What an event is about, before it is put into its envelope. */
export interface ToEnvelop<Type extends string, Data> {
  readonly id: string;
  readonly source: string;
  readonly type: Type;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly data: Data;
}

/** A structured CloudEvent. */
export function cloudEvent<const Type extends string, Data>({
  id,
  source,
  type,
  time,
  data,
}: ToEnvelop<Type, Data>) {
  return {
    specversion: '1.0',
    id,
    source,
    type,
    time: formatTime(time),
    datacontenttype: 'application/json',
    data,
  } as const;
}
