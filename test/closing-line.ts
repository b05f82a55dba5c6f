import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with one line that a script can read, counted from the runner's own report. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++;
      // A file that does not load runs none of its tests: that is a failure, not an absence.
      if (module.errors().length > 0) count.failed++;
    }
    const failed = count.failed + unhandledErrors.length;
    process.once('exit', () => {
      process.stdout.write(
        `${count.passed} passed, ${failed} failed, ${count.skipped + count.pending} skipped\n`,
      );
    });
  }
}
