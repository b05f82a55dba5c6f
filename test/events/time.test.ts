import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { earliestTime, formatTime, latestTime, parseTime } from '../../src/events/time.js';

const two = (value: number): string => String(value).padStart(2, '0');

/** Where a float64 tells microseconds apart: 272 years either side of the epoch. */
const microseconds = fc
  .tuple(fc.integer({ min: -(2 ** 33), max: 2 ** 33 }), fc.integer({ min: 0, max: 999_999 }))
  .map(([whole, micros]) => whole + micros / 1e6);

describe('a time that is written and read', () => {
  it('is the same to the microsecond', () => {
    fc.assert(
      fc.property(microseconds, (seconds) => {
        expect(Math.abs((parseTime(formatTime(seconds)) ?? Number.NaN) - seconds)).toBeLessThan(1e-6);
      }),
    );
  });

  it('is the same to the second in every year of RFC 3339', () => {
    fc.assert(
      fc.property(fc.integer({ min: earliestTime, max: latestTime }), (seconds) => {
        expect(parseTime(formatTime(seconds))).toBe(seconds);
      }),
    );
  });

  it('is written again as it was', () => {
    fc.assert(
      fc.property(microseconds, (seconds) => {
        const text = formatTime(seconds);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z$/);
        expect(formatTime(parseTime(text) ?? Number.NaN)).toBe(text);
      }),
    );
  });

  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1.5, '1970-01-01T00:00:01.5Z'],
    [-0.25, '1969-12-31T23:59:59.75Z'],
    [0.000001, '1970-01-01T00:00:00.000001Z'],
    [0.99999999, '1970-01-01T00:00:01Z'],
    [earliestTime, '0000-01-01T00:00:00Z'],
    [latestTime, '9999-12-31T23:59:59Z'],
  ])('is written short: %d as %s', (seconds, text) => {
    expect(formatTime(seconds)).toBe(text);
  });
});

describe('a time that is read', () => {
  it('agrees with the clock of the language about every date and offset', () => {
    const date = fc.date({ min: new Date(0), max: new Date('2999-12-31'), noInvalidDate: true });
    const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    fc.assert(
      fc.property(date, offset, (when, minutes) => {
        const local = new Date(when.getTime() + minutes * 60_000).toISOString().slice(0, -1);
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const text = `${local}${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
        expect(parseTime(text)).toBeCloseTo(when.getTime() / 1_000, 6);
      }),
    );
  });

  it('is none when the day is not in the calendar', () => {
    const parts = fc.record({
      year: fc.integer({ min: 0, max: 9_999 }),
      month: fc.integer({ min: 0, max: 13 }),
      day: fc.integer({ min: 0, max: 32 }),
    });
    fc.assert(
      fc.property(parts, ({ year, month, day }) => {
        const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T00:00:00Z`;
        const isDay = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
        expect(parseTime(text) !== null).toBe(isDay);
      }),
    );
  });

  it('never throws and is never NaN, whatever the text', () => {
    const digits = fc.stringMatching(/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d*)?([Zz]|[+-]\d\d:\d\d)?$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), digits), (text) => {
        expect(Number.isNaN(parseTime(text) ?? 0)).toBe(false);
      }),
    );
  });

  it('may be a leap second, which is the first of the next minute', () => {
    expect(parseTime('2016-12-31T23:59:60Z')).toBe(parseTime('2017-01-01T00:00:00Z'));
    expect(parseTime('2016-12-31T23:59:60.5Z')).toBe((parseTime('2017-01-01T00:00:00Z') ?? 0) + 0.5);
  });
});

function daysOf(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
