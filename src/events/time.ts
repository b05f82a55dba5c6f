/** Times that RFC 3339 can write: the years 0000 to 9999, in seconds since the epoch. */
export const earliestTime = -62_167_219_200;
export const latestTime = 253_402_300_799;

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Seconds since the epoch of an RFC 3339 time, with all the fraction that a float64 holds; null if it is none. */
export function parseTime(text: string): number | null {
  if (text !== last.text) last = { text, seconds: parse(text) };
  return last.seconds;
}

/** Every event's time is checked and then read, one right after the other. */
let last: { readonly text: string; readonly seconds: number | null } = { text: '', seconds: null };

function parse(text: string): number | null {
  if (!rfc3339.test(text)) return null;
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  const zone = /[Zz]$/.test(text) ? text.length - 1 : text.length - 6;
  const [offsetHour, offsetMinute] =
    zone < text.length - 1 ? [twoDigits(text, zone + 1), twoDigits(text, zone + 4)] : [0, 0];
  // A leap second is the first second of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return null;
  const day = startOfDay(text);
  if (day === null) return null;
  const offset = (text[zone] === '-' ? -1 : 1) * (offsetHour * 3_600 + offsetMinute * 60);
  const whole = day + hour * 3_600 + minute * 60 + second - offset;
  return zone > 20 ? whole + Number(text.slice(19, zone)) : whole;
}

function twoDigits(text: string, at: number): number {
  return 10 * (text.charCodeAt(at) - 48) + text.charCodeAt(at + 1) - 48;
}

/** Most events are of the day of the one before. */
let lastDay: { readonly text: string; readonly seconds: number | null } = { text: 'none', seconds: null };

/** When the day begins that a text begins with, as YYYY-MM-DD; seconds since the epoch, null: there is no such day. */
function startOfDay(text: string): number | null {
  if (!text.startsWith(lastDay.text)) {
    const day = text.slice(0, 10);
    lastDay = { text: day, seconds: parseDay(day) };
  }
  return lastDay.seconds;
}

function parseDay(text: string): number | null {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return date.getTime() / 1_000;
}

/** An RFC 3339 time in UTC, to the microsecond. */
export function formatTime(seconds: number): string {
  let whole = Math.floor(seconds);
  let micros = Math.round((seconds - whole) * 1e6);
  if (micros === 1e6) {
    whole += 1;
    micros = 0;
  }
  const iso = new Date(whole * 1_000).toISOString().slice(0, -5);
  return micros === 0 ? `${iso}Z` : `${iso}.${String(micros).padStart(6, '0').replace(/0+$/, '')}Z`;
}
