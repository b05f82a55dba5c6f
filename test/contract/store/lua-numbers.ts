import { expect } from 'vitest';

/** Powers and logarithms of Lua and of JavaScript may differ in their last bits; the test file takes that as equal. */
export function takeLuaNumbers(): void {
  expect.addEqualityTesters([
    (a: unknown, b: unknown) => {
      if (typeof a !== 'number' || typeof b !== 'number' || Object.is(a, b)) return undefined;
      const size = Math.max(1, Math.abs(a), Math.abs(b));
      return Math.abs(a - b) <= (size > 1e8 ? 1e-15 : 1e-12) * size ? true : undefined;
    },
  ]);
}
