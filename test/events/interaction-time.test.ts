import { describe, expect, it } from 'vitest';
import { type DeliveredEvent, defaultLimits } from '../../src/events/delivered.js';
import { decodeInteraction } from '../../src/events/interaction.js';
import { binary, delivered, least, receivedAt, structured } from '../helpers/delivered.js';

const decode = (body: unknown, given: Partial<DeliveredEvent> = {}) =>
  decodeInteraction(delivered(body, given), defaultLimits);

/** The same time in each of the forms. */
const inEachForm = (time: unknown): [form: string, decoded: ReturnType<typeof decode>][] => [
  ['structured', decode(structured({ time }))],
  ['binary', decode(least, { headers: binary({ time: String(time) }) })],
  ['bare', decode({ ...least, time })],
];

const rfc3339Rule = 'must be an RFC 3339 time of the years 0000 to 9999';
const secondsRule = 'must be seconds since the epoch, from -62167219200 to 253402300799';

describe('the time of an interaction', () => {
  it.each([
    ['2023-11-14T22:13:20Z', 1_700_000_000],
    ['2023-11-14t22:13:20z', 1_700_000_000],
    ['2023-11-14T22:13:20.25Z', 1_700_000_000.25],
    ['2023-11-14T22:13:20.123456Z', 1_700_000_000.123456],
    ['2023-11-14T22:13:20.123456789012345Z', 1_700_000_000.123457],
    ['2023-11-15T00:13:20+02:00', 1_700_000_000],
    ['2023-11-14T16:43:20-05:30', 1_700_000_000],
    ['2023-11-14T22:13:20-00:00', 1_700_000_000],
    ['1990-12-31T23:59:60Z', 662_688_000],
    ['1990-12-31T15:59:60-08:00', 662_688_000],
    ['1969-12-31T23:59:59.5Z', -0.5],
    ['0000-01-01T00:00:00Z', -62_167_219_200],
    ['2000-02-29T00:00:00Z', 951_782_400],
  ])('may be %s in every form', (time, seconds) => {
    for (const [form, decoded] of inEachForm(time))
      expect(decoded, form).toMatchObject({ time: expect.closeTo(seconds, 6) });
  });

  it.each([
    '2023-11-14',
    '2023-11-14 22:13:20Z',
    '2023-11-14T22:13:20',
    '2023-11-14T22:13Z',
    '2023-11-14T24:00:00Z',
    '2023-11-14T22:60:00Z',
    '2023-11-14T22:13:61Z',
    '2023-02-29T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-00-10T00:00:00Z',
    '2023-11-14T22:13:20+24:00',
    '2023-11-14T22:13:20.Z',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '10000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    'now',
    '1700000000',
    '',
  ])('is refused as %j in every form', (time) => {
    const rule = rfc3339Rule;
    expect(decode(structured({ time }))).toEqual({ reason: 'invalid_event', field: 'time', rule });
    expect(decode({ ...least, time })).toEqual({ reason: 'invalid_event', field: 'time', rule });
    const headers = binary({ time });
    expect(decode(least, { headers })).toEqual({ reason: 'invalid_event', field: 'ce-time', rule });
  });

  it('may be seconds since the epoch in a bare object, with fractions, and there alone', () => {
    expect(decode({ ...least, time: 1_699_999_999.5 })).toMatchObject({ time: 1_699_999_999.5 });
    expect(decode({ ...least, time: 0 })).toMatchObject({ time: 0 });
    expect(decode({ ...least, time: -1 })).toMatchObject({ time: -1 });
    const refused = { reason: 'invalid_event', rule: rfc3339Rule };
    expect(decode(structured({ time: 1_699_999_999 }))).toEqual({ ...refused, field: 'time' });
    expect(decode(least, { headers: binary({ time: '1699999999' }) })).toEqual({
      ...refused,
      field: 'ce-time',
    });
  });

  it.each(['1e309', '-1e309', '253402300800', '-62167219201', '1.7e12'])(
    'is refused as %s seconds: no year of RFC 3339',
    (seconds) => {
      const text = `{"agent_a":"ann","agent_b":"bob","outcome":"success","time":${seconds}}`;
      expect(decode(text)).toEqual({ reason: 'invalid_event', field: 'time', rule: secondsRule });
    },
  );

  it.each([true, null, [], {}])('is refused as %j', (time) => {
    expect(decode({ ...least, time })).toEqual({
      reason: 'invalid_event',
      field: 'time',
      rule: `${rfc3339Rule}, or seconds since the epoch`,
    });
  });

  it("is the broker's where the event has none", () => {
    for (const decoded of [decode(structured()), decode(least, { headers: binary() }), decode(least)])
      expect(decoded).toMatchObject({ time: receivedAt });
  });

  it('is required where the broker has none either', () => {
    expect(decode(least, { receivedAt: null })).toEqual({
      reason: 'invalid_event',
      field: 'time',
      rule: 'is required: nothing else says when it happened',
    });
  });

  it('may lie 300 s after the broker took it, and not more', () => {
    expect(decode({ ...least, time: receivedAt + 300 })).toMatchObject({ time: receivedAt + 300 });
    expect(decode({ ...least, time: receivedAt + 300.001 })).toEqual({
      reason: 'time_in_future',
      field: 'time',
      rule: 'must not lie more than 300 s after it was received',
    });
  });

  it('may lie as far ahead as the limit says', () => {
    const strict = { ...defaultLimits, maxFutureSeconds: 0 };
    expect(decodeInteraction(delivered({ ...least, time: receivedAt }), strict)).toMatchObject({
      time: receivedAt,
    });
    expect(decodeInteraction(delivered({ ...least, time: receivedAt + 1 }), strict)).toMatchObject({
      reason: 'time_in_future',
      rule: 'must not lie more than 0 s after it was received',
    });
  });

  it('may lie anywhere where nobody says when it was received', () => {
    const time = '9999-12-31T23:59:59Z';
    expect(decode({ ...least, time }, { receivedAt: null })).toMatchObject({ time: 253_402_300_799 });
  });

  it('may lie long ago', () => {
    expect(decode({ ...least, time: '1970-01-01T00:00:00Z' })).toMatchObject({ time: 0 });
  });
});
