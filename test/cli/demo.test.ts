import { beforeAll, describe, expect, it } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { commandLine, type Ended, jsonLines } from '../helpers/cli.js';

const { run } = commandLine();

describe('the demo', () => {
  let first: Ended;

  beforeAll(async () => {
    first = await run(['demo'], { environment: { FORCE_COLOR: '1' } });
  });

  it('ends well', () => {
    expect(first).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints the same every time, byte for byte', async () => {
    expect(await run(['demo'])).toEqual(first);
    expect((await run(['demo', '--seed', '1'])).stdout).toBe(first.stdout);
  });

  it('prints another story with another seed', async () => {
    const { code, stdout } = await run(['demo', '--seed', '2']);
    expect(code).toBe(0);
    expect(stdout).not.toBe(first.stdout);
  });

  it('shows a gratitude loop that is stopped, an outage that recovers, and what an operator did', () => {
    expect(first.stdout).toMatch(/OPEN +concierge ↔ greeter/);
    expect(first.stdout).toMatch(/OPEN +editor ↔ summarizer/);
    expect(first.stdout).toMatch(/HALF_OPEN +fetcher ↔ search-api .* by time/);
    expect(first.stdout).toMatch(/CLOSED +fetcher ↔ search-api .* after a success/);
    expect(first.stdout).toMatch(/TERMINATED +coder-7 ↔ test-runner .* by operator: the test needs a key/);
    expect(first.stdout).toMatch(/OPEN +support ↔ triage .*\(shadow\)/);
  });

  it('closes with a table of what happened', () => {
    const [heading, ...rows] = first.stdout.slice(first.stdout.indexOf('what happened')).split('\n');
    expect(heading).toMatch(/^what happened +pairs +interactions +opened .* at the end$/);
    expect(rows.find((row) => row.startsWith('healthy'))).toMatch(/ 24 +\d{5} +0 +0 +0 +0 +0 +CLOSED$/);
    expect(first.stdout).toMatch(/\d+ calls were not made, because a circuit was open/);
  });

  it('has no colours where there is no terminal', () => {
    expect(first.stdout).not.toContain('\u001b');
  });

  it('prints circuit events and rows as JSON, those of one pair in order', async () => {
    const { code, stdout } = await run(['demo', '--json']);
    expect(code).toBe(0);
    const lines = jsonLines<CircuitEvent | { readonly story: string }>(stdout);
    const events = lines.filter((line) => 'specversion' in line);
    expect(lines.filter((line) => 'story' in line)).toHaveLength(6);
    const last = new Map<string, number>();
    for (const { data } of events) {
      expect(data.previous_transition).toBe(last.get(data.pair_id) ?? 0);
      expect(data.transition).toBeGreaterThan(data.previous_transition);
      last.set(data.pair_id, data.transition);
    }
  });
});
