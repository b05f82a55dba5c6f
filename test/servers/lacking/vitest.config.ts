import { defineConfig } from 'vitest/config';

/** The run that `describe.test.ts` looks at. */
export default defineConfig({
  test: {
    include: ['test/servers/lacking/suite.ts'],
    reporters: ['default', './test/closing-line.ts'],
  },
});
