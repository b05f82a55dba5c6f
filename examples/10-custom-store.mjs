// Trust in a store of your own: two methods, lifted by one helper.
import { liftStore, TrustManager, TrustOutcome } from 'fulcrum-trust';

/** A table with an atomic exchange, as any database has one; here in memory. */
class TableStore {
  rows = new Map();

  async get(pairId) {
    return this.rows.get(pairId) ?? null;
  }

  /** Replaces the row when it is still the one that was read, and says whether it did. */
  async compareAndSet(pairId, expected, next) {
    const row = this.rows.get(pairId) ?? null;
    const isSame =
      row?.lastUpdated === expected?.lastUpdated && row?.interactionCount === expected?.interactionCount;
    if (!isSame) return false;
    if (next === null) this.rows.delete(pairId);
    else this.rows.set(pairId, next);
    return true;
  }
}

const table = new TableStore();
const trust = new TrustManager({ store: liftStore(table) });
// Side by side: none of them is lost.
await Promise.all(Array.from({ length: 20 }, () => trust.evaluate('a', 'b', TrustOutcome.SUCCESS)));
console.log(`${[...table.rows.values()][0]?.interactionCount} interactions in ${table.rows.size} row`);
