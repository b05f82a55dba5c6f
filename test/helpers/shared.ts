import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../shared/', import.meta.url);

/** Path of a file of the project's shared data (golden vectors, real data), null where it is not at hand. */
export function sharedFile(path: string): string | null {
  const file = fileURLToPath(new URL(path, folder));
  return existsSync(file) ? file : null;
}

export function readJsonLines<T>(file: string): T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** Who rated whom how and when, on the Bitcoin OTC exchange; null where the file is not at hand. */
export const bitcoinRatings = sharedFile('data/soc-sign-bitcoinotc.csv');

/** The flags that name the columns of that file. */
export const bitcoinColumns = ['source', 'target', 'rating', 'time'].flatMap((name, i) => [
  `--${name}-column`,
  String(i),
]);
