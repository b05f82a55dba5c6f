import type { Database, RootDatabase } from 'lmdb';
import { FulcrumError } from '../../errors.js';
import type { OutboxEntry } from '../../ports.js';

/** Names of the tables and what they hold. Keys of a pair are `<tenant>/<pair id>`. */
export interface Tables {
  /** pair -> {@link StoredPair}, packed. */
  readonly pairs: Database<Buffer, string>;
  /** [due time, tenant, pair id], for the sweep. A pair has one entry at most, never later than it is due. */
  readonly due: Database<null, [number, string, string]>;
  /** Pairs whose circuit is not CLOSED. */
  readonly circuits: Database<null, string>;
  /** Rising number -> a transition that is not yet published. */
  readonly outbox: Database<Omit<OutboxEntry, 'id'>, number>;
  /** Source -> the bounds of its applied positions. */
  readonly positions: Database<readonly number[], string>;
  /** Rising number -> the digests of event ids that one step added. */
  readonly recentIds: Database<string, number>;
  /** pair -> its last analysis, as JSON. */
  readonly analyses: Database<string, string>;
  readonly meta: Database<unknown, string>;
}

const layoutVersion = 1;
export const layoutKey = 'layout';
const names = ['pairs', 'due', 'circuits', 'outbox', 'positions', 'recent-ids', 'analyses', 'meta'];

/**
 * Opens the tables, making them in a new database. One that was there is looked at first: nothing is written
 * into what is not ours.
 *
 * @throws FulcrumError `store_foreign`
 */
export function openTables(path: string, root: RootDatabase): Tables {
  const isNew = checkLayout(path, root, layoutVersion, names);
  const tables: Tables = {
    pairs: root.openDB({ name: 'pairs', encoding: 'binary' }),
    due: root.openDB({ name: 'due', encoding: 'json' }),
    circuits: root.openDB({ name: 'circuits', encoding: 'json' }),
    outbox: root.openDB({ name: 'outbox', encoding: 'json' }),
    positions: root.openDB({ name: 'positions', encoding: 'json' }),
    recentIds: root.openDB({ name: 'recent-ids', encoding: 'string' }),
    analyses: root.openDB({ name: 'analyses', encoding: 'string' }),
    meta: root.openDB({ name: 'meta', encoding: 'json' }),
  };
  if (isNew) tables.meta.putSync(layoutKey, layoutVersion);
  return tables;
}

/**
 * True for a database that has no layout yet: an empty one, or one whose first start was cut off.
 *
 * @throws FulcrumError `store_foreign` when it has another one, or tables of other names
 */
export function checkLayout(
  path: string,
  root: RootDatabase,
  version: number | string,
  tables: readonly string[],
): boolean {
  // Read as text: what another program wrote need not be JSON.
  const onlyIfThere = { name: 'meta', encoding: 'string', create: false } as const;
  const meta = root.openDB(onlyIfThere) as Database<string, string> | undefined;
  const layout = meta?.get(layoutKey);
  if (layout === JSON.stringify(version)) return false;
  if (layout === undefined && [...root.getKeys()].every((key) => tables.includes(String(key)))) return true;
  throw new FulcrumError(
    'store_foreign',
    layout === undefined
      ? `${path} holds an LMDB database of another program. Name a new or an empty folder.`
      : `${path} has layout ${layout}, this version reads layout ${JSON.stringify(version)}. Use the version that made it, or rebuild into a new folder.`,
  );
}
