import { systemClock } from '../clock.js';
import type { Clock } from '../ports.js';
import { analysisKeptSeconds } from '../rlm/analysis-record.js';
import { type AnalysisStore, keptAnalysisIds, type StoredAnalysis } from '../rlm/ports.js';

/** The last analysis of each pair in this process, gone when it ends. */
export class MemoryAnalyses implements AnalysisStore {
  private readonly kept = new Map<string, StoredAnalysis>();
  /** Of analyses by pair, the newest first. */
  private readonly ids = new Map<string, readonly string[]>();

  constructor(private readonly clock: Clock = systemClock) {}

  keep(analysis: StoredAnalysis): void {
    const key = `${analysis.tenant}/${analysis.pairId}`;
    const { id } = analysis.result;
    const earlier = this.ids.get(key)?.filter((other) => other !== id) ?? [];
    this.ids.set(key, [id, ...earlier].slice(0, keptAnalysisIds));
    const before = this.kept.get(key);
    if (before === undefined || before.at <= analysis.at) this.kept.set(key, analysis);
  }

  isMade(tenant: string, pairId: string, analysisId: string): boolean {
    return this.ids.get(`${tenant}/${pairId}`)?.includes(analysisId) ?? false;
  }

  latest(tenant: string, pairId: string): StoredAnalysis | null {
    const key = `${tenant}/${pairId}`;
    const kept = this.kept.get(key) ?? null;
    if (kept === null || kept.at > this.clock() - analysisKeptSeconds) return kept;
    this.kept.delete(key);
    this.ids.delete(key);
    return null;
  }
}
