import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Turn } from '../../src/rlm/transcript.js';

/** A transcript that somebody labelled. */
export interface Labelled {
  readonly id: string;
  readonly source: string;
  readonly label_loop: boolean;
  readonly turns: readonly Turn[];
}

/** @param path of JSON lines, gzipped where the name says so */
export function readLabelled(path: string): Labelled[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Labelled);
}

export function bySource(rows: readonly Labelled[]): Map<string, Labelled[]> {
  const sources = new Map<string, Labelled[]>();
  for (const row of rows) sources.set(row.source, [...(sources.get(row.source) ?? []), row]);
  return sources;
}
