import type { Found, Need, OwnServer } from './find.js';

/** How the tests look for servers; see `find.ts`. */
export interface Finder {
  readonly any: (kind: Need) => Found | undefined;
  readonly own: (kind: Need) => OwnServer | undefined;
}

/** What becomes of a suite that needs servers. */
export type Rule =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip'; readonly lack: string }
  | { readonly kind: 'fail'; readonly lack: string };

/** A suite whose server is missing is skipped, but in CI, where a test that did not run must not look passed. */
export function ruleFor(kinds: readonly Need[], own: boolean, find: Finder, ci: boolean): Rule {
  const missing = kinds.filter((kind) => (own ? find.own(kind) : find.any(kind)) === undefined);
  if (missing.length === 0) return { kind: 'run' };
  const lack = missing.map((kind) => lackOf(kind, find.any(kind))).join('; ');
  return { kind: ci ? 'fail' : 'skip', lack: `${lack}; to get it: npm run servers:install` };
}

function lackOf(kind: Need, found: Found | undefined): string {
  if (kind === 'python') return 'no Python with nats-py and confluent-kafka found';
  if (found === undefined) return `no ${kind} server found`;
  const where = found.from === 'address' ? 'at an address' : 'in a container';
  return `needs a ${kind} server of its own to kill and start again, there is only one ${where}`;
}
