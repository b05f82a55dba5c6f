/** What a mistyped name was probably meant to be. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import leven from 'leven';

/** The known name that is nearest, whatever its case; null when there is none within `most` edits. */
export function nearest(name: string, known: readonly string[], most: number): string | null {
  const [best] = known
    .map((candidate) => ({ candidate, distance: leven(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= most ? best.candidate : null;
}

/** `, did you mean …?` when a known name is near, else what is known. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known, Math.max(2, name.length / 3));
  if (near !== null) return `, did you mean ${near}?`;
  return known.length > 0 && known.length <= 20 ? ` (known: ${known.join(', ')})` : '';
}

/** `, did you mean …?` when a file of nearly that name lies in the same folder. */
export function fileSuggestion(path: string): string {
  const folder = dirname(path);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return '';
  }
  const name = basename(path);
  const near = nearest(name, names.slice(0, 10_000), Math.max(2, name.length / 4));
  return near === null || near === name ? '' : `, did you mean ${join(folder, near)}?`;
}
