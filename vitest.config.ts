import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    // A server may take a while to come up on a machine that runs other tests beside it.
    hookTimeout: 60_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
