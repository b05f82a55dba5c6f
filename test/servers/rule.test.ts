import { expect, test } from 'vitest';
import type { Found, OwnServer } from './find.js';
import { type Finder, ruleFor } from './rule.js';

const binary: OwnServer = { from: 'own', path: '/usr/bin/redis-server', version: '7.0.15' };
const address: Found = { from: 'address', address: 'redis://10.0.0.1' };

const finds = (any?: Found, own?: OwnServer): Finder => ({ any: () => any, own: () => own });

test('a suite runs on whatever server there is', () => {
  expect(ruleFor(['redis'], false, finds(address), false)).toEqual({ kind: 'run' });
  expect(ruleFor(['redis'], true, finds(binary, binary), true)).toEqual({ kind: 'run' });
});

test('a suite that may kill its server leaves the one at an address alone', () => {
  expect(ruleFor(['redis'], true, finds(address, binary), false)).toEqual({ kind: 'run' });
  expect(ruleFor(['redis'], true, finds(address), false)).toEqual({
    kind: 'skip',
    lack:
      'needs a redis server of its own to kill and start again, there is only one at an address; ' +
      'to get it: npm run servers:install',
  });
});

test('a suite whose server is missing is skipped, and fails in CI', () => {
  const lack = 'no nats server found; no kafka server found; to get it: npm run servers:install';
  expect(ruleFor(['nats', 'kafka'], false, finds(), false)).toEqual({ kind: 'skip', lack });
  expect(ruleFor(['nats', 'kafka'], false, finds(), true)).toEqual({ kind: 'fail', lack });
});

test('a suite says which clients its Python lacks', () => {
  const lack = 'no Python with nats-py and confluent-kafka found; to get it: npm run servers:install';
  expect(ruleFor(['python'], true, finds(), false)).toEqual({ kind: 'skip', lack });
  expect(ruleFor(['python'], true, finds(), true)).toEqual({ kind: 'fail', lack });
});
