import type { Database } from 'lmdb';
import { z } from 'zod';
import { analysisKeptSeconds, analysisRecord, readAnalysis } from '../../rlm/analysis-record.js';
import { type AnalysisStore, keptAnalysisIds, type StoredAnalysis } from '../../rlm/ports.js';

/** Records looked at for expiry when one is kept. */
const expiryLooks = 20;

/** What the analyses need of the store whose folder they are in. */
export interface AnalysesIn {
  readonly table: Database<string, string>;
  /** Seconds since the epoch. */
  now(): number;
  /** Runs `work` in one transaction. @throws FulcrumError `store_closed` */
  transact(work: () => void): void;
  /** @throws FulcrumError `store_closed` */
  checkOpen(): void;
}

/** Beside what a record shows: ids of analyses of its pair, the newest first. */
const idsSchema = z.object({ ids: z.array(z.string()).default([]) });

/** The last analysis of each pair, in a table beside the pairs: `<tenant>/<pair id>` -> JSON. */
export class EmbeddedAnalyses implements AnalysisStore {
  private cursor = '';

  constructor(private readonly store: AnalysesIn) {}

  keep(analysis: StoredAnalysis): void {
    const { table } = this.store;
    const key = `${analysis.tenant}/${analysis.pairId}`;
    this.store.transact(() => {
      this.dropExpired();
      const before = table.get(key);
      const latest = laterOf(before, analysis);
      const { id } = analysis.result;
      const ids = [id, ...idsOf(before).filter((other) => other !== id)].slice(0, keptAnalysisIds);
      table.putSync(key, JSON.stringify({ ...analysisRecord(latest), ids }));
    });
  }

  isMade(tenant: string, pairId: string, analysisId: string): boolean {
    this.store.checkOpen();
    return idsOf(this.store.table.get(`${tenant}/${pairId}`)).includes(analysisId);
  }

  /** @throws FulcrumError `state_unreadable` */
  latest(tenant: string, pairId: string): StoredAnalysis | null {
    this.store.checkOpen();
    const json = this.store.table.get(`${tenant}/${pairId}`);
    if (json === undefined) return null;
    const analysis = readAnalysis(json, `analysis of ${tenant}/${pairId}`);
    return this.isExpired(analysis.at) ? null : analysis;
  }

  /** Looks at a few records after those that were looked at last. */
  private dropExpired(): void {
    const { table } = this.store;
    const some = [...table.getRange({ start: this.cursor, limit: expiryLooks })];
    for (const { key, value } of some) {
      const analysis = readable(value);
      if (analysis !== null && this.isExpired(analysis.at)) table.removeSync(key);
    }
    this.cursor = some.length === expiryLooks ? (some.at(-1)?.key ?? '') : '';
  }

  private isExpired(at: number): boolean {
    return at <= this.store.now() - analysisKeptSeconds;
  }
}

function laterOf(json: string | undefined, analysis: StoredAnalysis): StoredAnalysis {
  const before = readable(json);
  return before !== null && before.at > analysis.at ? before : analysis;
}

/** Null for one that cannot be read: it gives way to the next, and until then it is told when it is asked for. */
function readable(json: string | undefined): StoredAnalysis | null {
  if (json === undefined) return null;
  try {
    return readAnalysis(json, '');
  } catch {
    return null;
  }
}

function idsOf(json: string | undefined): readonly string[] {
  return readable(json) === null ? [] : idsSchema.parse(JSON.parse(json ?? '')).ids;
}
