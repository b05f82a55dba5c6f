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
  readonly meta: Database<unknown, string>;
}

const layoutVersion = 1;
const layoutKey = 'layout';
export function openTables(root: RootDatabase): Tables {
  return {
    pairs: root.openDB({ name: 'pairs', encoding: 'binary' }),
    due: root.openDB({ name: 'due', encoding: 'json' }),
    circuits: root.openDB({ name: 'circuits', encoding: 'json' }),
    outbox: root.openDB({ name: 'outbox', encoding: 'json' }),
    positions: root.openDB({ name: 'positions', encoding: 'json' }),
    recentIds: root.openDB({ name: 'recent-ids', encoding: 'string' }),
    meta: root.openDB({ name: 'meta', encoding: 'json' }),
  };
}

/**
 * Writes the layout version into a new database, and checks it in one that was there.
 *
 * @throws FulcrumError `store_foreign`
 */
export async function checkLayout(
  path: string,
  root: RootDatabase,
  tables: Tables,
  existed: boolean,
): Promise<void> {
  const layout = tables.meta.get(layoutKey);
  if (layout === layoutVersion) return;
  const interrupted = layout === undefined && [...tables.pairs.getKeys({ limit: 1 })].length === 0;
  if (!existed || (interrupted && onlyOurTables(root))) {
    await tables.meta.put(layoutKey, layoutVersion);
    return;
  }
  await root.close();
  throw new FulcrumError(
    'store_foreign',
    layout === undefined
      ? `${path} holds an LMDB database of another program. Name a new or an empty folder.`
      : `${path} has layout ${String(layout)}, this version reads layout ${layoutVersion}. Use the version that made it, or rebuild into a new folder.`,
  );
}

/** Whether the database has nothing in it but tables of our names, as after a start that was cut off. */
function onlyOurTables(root: RootDatabase): boolean {
  const ours = new Set(['pairs', 'due', 'circuits', 'outbox', 'positions', 'recent-ids', 'meta']);
  return [...root.getKeys()].every((key) => ours.has(String(key)));
}
