/**
 * How soon and how falsely circuits open on real failures, by our two rules and by those of breakers in process.
 * docs/benchmarks.md says what is measured and which flags there are.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { RuleCounter, type RuleFigures } from '#dist/compare/outages.js';
import { policyRule } from '#dist/compare/policy-rule.js';
import { TrustConfig, type TrustConfigOptions } from '#dist/trust/config.js';
import { openingFlags } from './flags.js';
import { printJson } from './measure/print.js';
import { breakerRules } from './opening/breakers.js';

/** One service's probes: when, and whether it was up. */
interface Stream {
  readonly t: readonly number[];
  readonly ok: string;
}

const { data, cooldown, outageRun, json } = openingFlags();
const lines = gunzipSync(readFileSync(data)).toString().trimEnd().split('\n');
const ours = (name: string, trust: TrustConfigOptions) =>
  policyRule(name, new TrustConfig({ recoveryCooldownSeconds: cooldown, ...trust }), true);
const rules = [
  ours('mean, half-life a day', {}),
  ours('mean, half-life an hour', { halfLifeSeconds: 3_600 }),
  ours('change', { opening: 'change' }),
  ...breakerRules(cooldown),
];
const counters = rules.map((rule) => new RuleCounter(rule, outageRun));
lines.forEach((line, i) => {
  const { t, ok } = JSON.parse(line) as Stream;
  t.forEach((time, j) => {
    const event = { outcome: ok[j] === '1' ? ('success' as const) : ('failure' as const), time, weight: 1 };
    for (const counter of counters) counter.event(String(i), event);
  });
});
const figures = counters.map((counter) => counter.figures());
if (json) printJson(figures);
else printFigures(figures);

function printFigures(all: readonly RuleFigures[]): void {
  console.log(
    `${lines.length} streams, ${all[0]?.outages} outages of ${outageRun} failures or more, cooldown ${cooldown} s\n`,
  );
  const rows = all.map((one) => [
    one.rule,
    `${one.within5} of ${one.closedBefore}`,
    String(one.p95Failures ?? '-'),
    String(one.missed),
    one.falsePer10000.toFixed(2),
  ]);
  const heading = ['rule', 'within 5 failures', 'p95', 'missed', 'false per 10,000 good events'];
  for (const row of [heading, ...rows])
    console.log(
      row
        .map((cell, i) => cell.padEnd([29, 19, 6, 8, 0][i] ?? 0))
        .join('')
        .trimEnd(),
    );
}
