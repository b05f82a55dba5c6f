import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/**
 * Ends the run with one line that a script can read, counted from the runner's own report. Before it stands
 * what the tests left to be known: suites that lacked a server, and logs of servers that a failed test used.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++;
      // A file that does not load runs none of its tests: that is a failure, not an absence.
      if (module.errors().length > 0) count.failed++;
    }
    const failed = count.failed + unhandledErrors.length;
    const lines = [
      ...suitesThatLack(modules),
      ...serverLogs(modules),
      `${count.passed} passed, ${failed} failed, ${count.skipped + count.pending} skipped`,
    ];
    process.once('exit', () => {
      process.stdout.write(`${lines.join('\n')}\n`);
    });
  }
}

function suitesThatLack(modules: readonly TestModule[]): string[] {
  const namesByLack = new Map<string, string[]>();
  for (const suite of modules.flatMap((module) => [...module.children.allSuites()])) {
    const { lack } = suite.meta();
    // What stands inside of it has the same reason, and goes without saying.
    if (lack === undefined || isInside(suite, lack)) continue;
    namesByLack.set(lack, [...(namesByLack.get(lack) ?? []), suite.fullName]);
  }
  return [...namesByLack].map(([lack, names]) => `Did not run, ${lack}\n  ${names.join('\n  ')}`);
}

const isInside = ({ parent }: TestSuite, lack: string): boolean =>
  parent.type === 'suite' && parent.meta().lack === lack;

function serverLogs(modules: readonly TestModule[]): string[] {
  const tests = modules.flatMap((module): TestCase[] => [...module.children.allTests()]);
  const logs = new Set(tests.flatMap((test) => test.meta().serverLogs ?? []));
  return Array.from(logs, (log) => `Log of a server that a failed test used: ${log}`);
}
