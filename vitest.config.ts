import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most of the time goes in waiting for servers: three files side by side, on however few cores.
    maxWorkers: 3,
    testTimeout: 120_000,
    // A server may take a while to come up on a machine that runs other tests beside it.
    hookTimeout: 120_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
