import type { FollowFrom, SourceProgress } from '../../../src/ports.js';
import type { Place, SimProcess } from '../process.js';
import { beginning } from '../world.js';
import type { Log } from './log.js';
import type { Reading } from './reader.js';

/** All events of a channel for one reader alone, in the order of each log. */
export function following(
  process: SimProcess,
  place: Place,
  logs: readonly Log[],
  from: FollowFrom,
): Reading {
  const given = new Map(logs.map((log) => [log, startOf(log, from)]));
  return {
    name: `bus:${logs[0]?.channel}`,
    comesAgain: false,
    logs: () => logs.map(({ source }) => source),
    take: (most) => {
      const messages = logs.flatMap((log) => {
        const after = given.get(log) ?? 0;
        return log.messages.slice(after, after + most).map((message) => log.message(message));
      });
      const taken = messages.slice(0, most);
      for (const log of logs)
        for (const { position } of taken)
          if (position.source === log.source) given.set(log, position.sequence);
      return { messages: taken, acknowledge: () => {} };
    },
    wait: (wake) => {
      const ends = logs.map((log) => log.listen(wake));
      return () => {
        for (const end of ends) end();
      };
    },
    progress: async () => {
      const lasts = await process.call(place, `ask where ${logs[0]?.channel} end`, () =>
        logs.map(({ last }) => last),
      );
      return logs.map((log, i): SourceProgress => {
        const acknowledged = given.get(log) ?? 0;
        const next = log.at(acknowledged + 1);
        return {
          source: log.source,
          acknowledged,
          last: lasts[i] ?? 0,
          next: next === undefined ? null : log.message(next),
        };
      });
    },
    close: () => {},
  };
}

/** The last position that is not wanted. */
function startOf(log: Log, from: FollowFrom): number {
  // All of it holds the last of each key too.
  if (from === 'start' || from === 'last') return 0;
  if (from === 'now') return log.last;
  if ('since' in from) {
    const sinceMs = (from.since - beginning) * 1_000;
    const first = log.messages.find(({ atMs }) => atMs >= sinceMs);
    return first === undefined ? log.last : first.sequence - 1;
  }
  return from.get(log.source) ?? 0;
}
