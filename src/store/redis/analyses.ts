import { analysisKeptSeconds, analysisRecord, readAnalysis, unreadable } from '../../rlm/analysis-record.js';
import { type AnalysisStore, keptAnalysisIds, type StoredAnalysis } from '../../rlm/ports.js';
import type { Calls } from './calls.js';
import { analysisIdsKey, analysisKey, shardOf } from './layout.js';

/** The last analysis of each pair, and the ids of those before it, in keys beside the pair's own. */
export class RedisAnalyses implements AnalysisStore {
  constructor(private readonly calls: Calls) {}

  async keep(analysis: StoredAnalysis): Promise<void> {
    const { tenant, pairId, at, result } = analysis;
    const json = JSON.stringify(analysisRecord(analysis));
    await this.calls.run('keep-analysis', {
      keys: [this.keyOf(tenant, pairId), this.idsKeyOf(tenant, pairId)],
      args: [json, String(at), analysisKeptSeconds, result.id, keptAnalysisIds],
    });
  }

  async isMade(tenant: string, pairId: string, analysisId: string): Promise<boolean> {
    const ids = await this.textAt(this.idsKeyOf(tenant, pairId));
    return ids?.split('\n').includes(analysisId) ?? false;
  }

  /** @throws FulcrumError `state_unreadable`, `unavailable`, `denied` */
  async latest(tenant: string, pairId: string): Promise<StoredAnalysis | null> {
    const key = this.keyOf(tenant, pairId);
    const json = await this.textAt(key);
    return json === null ? null : readAnalysis(json, `key ${key}`);
  }

  private textAt(key: string): Promise<string | null> {
    return this.calls
      .ask(() => this.calls.client.get(key))
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.message.includes('WRONGTYPE'))) throw error;
        throw unreadable(`key ${key}`, 'it holds another type', error);
      });
  }

  private keyOf(tenant: string, pairId: string): string {
    const { layout } = this.calls;
    return analysisKey(layout, shardOf(layout, pairId), tenant, pairId);
  }

  private idsKeyOf(tenant: string, pairId: string): string {
    const { layout } = this.calls;
    return analysisIdsKey(layout, shardOf(layout, pairId), tenant, pairId);
  }
}
