import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { findOwnServer, findServer, type Need } from './find.js';
import type { NatsVersion } from './nats.js';
import { keepLogs, runningServers, stopServers } from './process.js';
import { ruleFor } from './rule.js';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the suite does not run; the end of the run says it. */
    lack?: string;
    /** Logs of the servers that were up when the test failed. */
    serverLogs?: readonly string[];
  }
}

export interface ServerNeeds {
  /** The suite gives the server settings, kills it or starts it again: the one at an address will not do. */
  readonly own?: boolean;
}

/**
 * A suite that needs real servers, or the Python clients. Where one is missing it is skipped and named at the end
 * of the run, or fails when `CI` is `true`. What it starts and does not stop is stopped after it.
 */
export function describeWithServer(
  kinds: Need | readonly Need[],
  name: string,
  body: () => void,
  { own = false }: ServerNeeds = {},
): void {
  const find = { any: findServer, own: findOwnServer };
  const rule = ruleFor([kinds].flat(), own, find, process.env['CI'] === 'true');
  if (rule.kind === 'run') describe(name, () => withServers(body));
  else if (rule.kind === 'skip') describe.skip(name, { meta: { lack: rule.lack } }, body);
  else describe(name, () => failing(rule.lack));
}

/** The suite once for each version of NATS: the oldest that is supported and the current one. */
export function describeWithNats(
  name: string,
  body: (version: NatsVersion) => void,
  needs: ServerNeeds = {},
): void {
  describeWithServer('nats 2.9', `${name}, nats-server 2.9`, () => body('2.9'), needs);
  describeWithServer('nats', `${name}, current nats-server`, () => body('current'), needs);
}

function withServers(body: () => void): void {
  let before = runningServers();
  beforeAll(() => {
    before = runningServers();
  });
  afterAll(() => stopServers(before));
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') task.meta.serverLogs = keepLogs();
  });
  body();
}

function failing(lack: string): void {
  test('finds its server', () => {
    throw new Error(`${lack}. With CI=true that is a failure.`);
  });
}
