import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Processes by what they are called in the output. */
export type Pids = Readonly<Record<string, number>>;

/** CPU that they have used since they began, in microseconds, by their names. */
export type CpuTimes = Readonly<Record<string, number>>;

/** Linux counts CPU time in these, in microseconds. */
const tickUs = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of all threads, exact to a tick (10 ms mostly): good for runs of seconds. */
export function cpuTimes(pids: Pids): CpuTimes {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuTimeOf(pid)]));
}

/** What each has used per event since `before`, in microseconds. */
export function cpuPerEvent(before: CpuTimes, after: CpuTimes, events: number): CpuTimes {
  return Object.fromEntries(
    Object.entries(after).map(([name, time]) => [name, (time - (before[name] ?? 0)) / events]),
  );
}

function cpuTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses that may hold anything; the third comes behind the last of them.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return (userTicks + systemTicks) * tickUs;
}
