import { describe, expect, it } from 'vitest';
import { checkReport, eventBody, type Report, type ReportDetails, sizeOf } from '../../src/client/report.js';
import { interactionEventSchema } from '../../src/events/schemas.js';
import { TrustValueError } from '../../src/trust/errors.js';

const reporter = { tenant: 'acme', source: 'planner', instance: 'i' };
const report = (details?: ReportDetails): Report => ({
  number: 7,
  atMs: 1_700_000_000_000,
  agentA: 'ann',
  agentB: 'bob',
  outcome: 'partial',
  details,
});
const json = (...args: Parameters<typeof eventBody>) => JSON.parse(eventBody(...args).toString()) as object;

describe('a report', () => {
  it.each([
    ['agentA must be a string', [1, 'b', 'success']],
    ['agentA must have 1 to 256 characters', ['', 'b', 'success']],
    ['agentB must have 1 to 256 characters', ['a', 'x'.repeat(257), 'success']],
    ['agentB must not hold control characters', ['a', 'b\n', 'success']],
    ['agentB must be well-formed Unicode', ['a', '\ud800', 'success']],
    ['outcome must be one of success, failure, partial, got "ok"', ['a', 'b', 'ok']],
    ['outcome must be one of', ['a', 'b', undefined]],
    ['weight must be a number > 0 and <= 100, got 0', ['a', 'b', 'success', { weight: 0 }]],
    ['weight must be a number > 0 and <= 100, got NaN', ['a', 'b', 'success', { weight: Number.NaN }]],
    ['weight must be a number > 0 and <= 100, got 101', ['a', 'b', 'success', { weight: 101 }]],
    ['content must be a string', ['a', 'b', 'success', { content: 5 }]],
    ['sessionId must have 1 to 256', ['a', 'b', 'success', { sessionId: '' }]],
    ['task must be a string', ['a', 'b', 'success', { task: {} }]],
    ['probe must be a whole number', ['a', 'b', 'success', { probe: 1.5 }]],
    ['attributes must be a flat object', ['a', 'b', 'success', { attributes: { a: {} } }]],
    ['session_id is none of content, sessionId', ['a', 'b', 'success', { session_id: 's' }]],
    ['details must be an object', ['a', 'b', 'success', 5]],
  ])('is refused: %s', (message, [a, b, outcome, details]) => {
    const check = (): void => checkReport(a, b, outcome, details as ReportDetails);
    expect(check).toThrow(TrustValueError);
    expect(check).toThrow(message);
  });

  it('takes names of 256 code points, and details that are undefined', () => {
    checkReport('𝄞'.repeat(256), 'a:b', 'failure', { weight: undefined, content: undefined, task: '' });
  });

  it('becomes an event that a processor takes', () => {
    const details = {
      content: 'hi',
      sessionId: 's',
      task: 't',
      weight: 2,
      probe: 3,
      attributes: { a: null },
    };
    const event = json(report(details), reporter, 1_700_000_000_000);
    expect(event).toMatchObject({ id: 'i-7', source: 'planner' });
    expect(interactionEventSchema.parse(event).data).toEqual({
      tenant: 'acme',
      agent_a: 'ann',
      agent_b: 'bob',
      outcome: 'partial',
      session_id: 's',
      task: 't',
      content: 'hi',
      weight: 2,
      probe: 3,
      attributes: { a: null },
    });
  });

  it('says its time only where it was held back', () => {
    expect(json(report(), reporter, 1_700_000_000_900)).not.toHaveProperty('time');
    expect(json(report(), reporter, 1_700_000_009_000)).toMatchObject({ time: '2023-11-14T22:13:20.000Z' });
  });

  it('is refused when its event is larger than 256 KiB, however it comes to that', () => {
    const fits = 'x'.repeat(250 * 1024);
    expect(sizeOf(report({ content: fits }), reporter)).toBeGreaterThan(fits.length);
    for (const content of ['x'.repeat(257 * 1024), '\u0001'.repeat(50 * 1024), '☹'.repeat(90 * 1024)])
      expect(() => sizeOf(report({ content }), reporter)).toThrow(
        /content must fit into an event of 262144 bytes/,
      );
    expect(() => sizeOf(report({ task: 'x'.repeat(300_000) }), reporter)).toThrow(/details must fit/);
  });
});
