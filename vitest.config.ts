import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most of the time goes in waiting for servers: two files side by side, on however few cores.
    maxWorkers: 2,
    testTimeout: 60_000,
    // A server may take a while to come up on a machine that runs other tests beside it.
    hookTimeout: 60_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
