import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type OpeningRule, RuleCounter } from '../../src/compare/outages.js';
import { policyRule } from '../../src/compare/policy-rule.js';
import { TrustConfig } from '../../src/trust/config.js';
import { sharedFile } from '../helpers/shared.js';

const file = sharedFile('data/status_dev.jsonl.gz');

interface Stream {
  readonly stream: string;
  readonly t: readonly number[];
  readonly ok: string;
}

function figuresOf(rule: OpeningRule, path: string) {
  const counter = new RuleCounter(rule, 10);
  const lines = gunzipSync(readFileSync(path)).toString().trimEnd().split('\n');
  lines.forEach((line, i) => {
    const { t, ok } = JSON.parse(line) as Stream;
    t.forEach((time, j) => {
      counter.event(String(i), { outcome: ok[j] === '1' ? 'success' : 'failure', time, weight: 1 });
    });
  });
  return counter.figures();
}

it.skipIf(file === null)(
  'opening on a change finds every outage of real services, soon and seldom falsely',
  () => {
    const config = new TrustConfig({ opening: 'change', recoveryCooldownSeconds: 60 });
    const figures = figuresOf(policyRule('change', config, true), file ?? '');
    expect(figures).toMatchObject({ outages: 16, closedBefore: 13, within5: 8, p95Failures: 9, missed: 0 });
    expect(figures.falsePer10000).toBeLessThanOrEqual(0.6);
  },
);
