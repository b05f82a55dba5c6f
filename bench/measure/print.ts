/** How figures look in the output. */
import type { CpuTimes } from './cpu.js';
import type { Machine } from './machine.js';
import type { Spread } from './spread.js';

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `12,345 events/s (11,000 to 13,000)` */
export function spreadText({ median, least, most }: Spread, unit: string): string {
  return `${whole(median)} ${unit} (${whole(least)} to ${whole(most)})`;
}

/** `redis 6.2, processor 11.0`: microseconds per event. */
export function cpuText(times: CpuTimes): string {
  return Object.entries(times)
    .map(([name, us]) => `${name} ${us.toFixed(1)}`)
    .join(', ');
}

export function machineText({ cpu, cores, memoryGiB, system, versions }: Machine): string {
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}\n${used.join(', ')}`;
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
