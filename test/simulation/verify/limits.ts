/** What is held in memory stays within limits, however long the story is. */
import type { Remains } from './verify.js';

/** Most that one processor asks for at a time: its readers, its relay, its marks, and what was given up and is still out. */
const mostInFlight = 40;

export function brokenLimits({ plan, bus, servers, fleet }: Remains): string[] {
  const broken: string[] = [];
  for (const { process, readers } of fleet.everybody) {
    if (process.mostInFlight > mostInFlight)
      broken.push(`${process.name} had ${process.mostInFlight} requests under way`);
    for (const { name, mostOpen } of readers)
      if (mostOpen > 2 * plan.maxBatch)
        broken.push(`${process.name} held ${mostOpen} messages of ${name} at once`);
  }
  const logs = [...bus.logs.interactions, ...bus.logs.commands];
  const most = logs.reduce((sum, { last }) => sum + Math.min(plan.replaySpan, last), 0);
  for (const server of servers)
    if (server.positions.size > most)
      broken.push(
        `${server.name} tells ${server.positions.size} positions apart, with a span of ${plan.replaySpan}`,
      );
  return broken;
}
