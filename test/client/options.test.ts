import { expect, it } from 'vitest';
import { completeOptions } from '../../src/client/complete-options.js';
import { connectFleet, type FleetOptions } from '../../src/client/index.js';
import { FulcrumError } from '../../src/errors.js';

const http = 'http://127.0.0.1:4747';
const whenStale = 'failOpen';

it.each([
  ['whenStale must be', { http }],
  [
    "whenStale must be 'failOpen' or 'failClosed': what happens while circuits cannot be known, got \"open\"",
    { http, whenStale: 'open' },
  ],
  ['name one of nats, kafka and http, none is named', { whenStale }],
  ['name one of nats, kafka and http, none is named', { whenStale, redis: 'redis://127.0.0.1' }],
  ['nats and http are named', { whenStale, http, nats: 'nats://127.0.0.1' }],
  ['there is no option htpp, did you mean http?', { whenStale, htpp: http }],
  ['there is no option nats.server, did you mean servers?', { whenStale, nats: { server: 'nats://x' } }],
  ['there is no option buffer.max', { whenStale, http, buffer: { max: 1 } }],
  ['nats must be an address, or settings with servers', { whenStale, nats: '' }],
  ['tenant must be 1 to 64 of', { whenStale, http, tenant: 'a b' }],
  ['buffer.maxEvents must be above 0, got 0', { whenStale, http, buffer: { maxEvents: 0 } }],
  ["buffer.whenFull must be 'wait' or 'dropOldest'", { whenStale, http, buffer: { whenFull: 'drop' } }],
  ['staleAfterMs must be', { whenStale, http, staleAfterMs: -1 }],
  ['probeLeaseMs must be at least 1000', { whenStale, http, probeLeaseMs: 5 }],
  ['classifier must have a method classify', { whenStale, http, classifier: () => 'success' }],
  ['source must be 1 to 256', { whenStale, http, source: '' }],
  ['onStatus must be a function', { whenStale, http, onStatus: 'log' }],
  ['options must be an object', undefined],
])('refuses options: %s', async (message, options) => {
  const error = await connectFleet(options as unknown as FleetOptions).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FulcrumError);
  expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
});

it('takes an address alone, several, or all settings of a config file', () => {
  const serverOf = (options: Partial<FleetOptions>) => completeOptions({ whenStale, ...options }).server;
  expect(serverOf({ nats: 'nats://a, nats://b' })).toMatchObject({
    kind: 'nats',
    options: { servers: ['nats://a', 'nats://b'], subjectPrefix: 'fulcrum.trust', tls: null },
  });
  expect(serverOf({ nats: { servers: ['tls://a'], caFile: 'ca.pem' } })).toMatchObject({
    options: { servers: ['tls://a'], tls: { caFile: 'ca.pem' } },
  });
  expect(serverOf({ kafka: ['a:1', 'b:2'] })).toMatchObject({ options: { brokers: ['a:1', 'b:2'] } });
  expect(serverOf({ http })).toEqual({ kind: 'http', options: { url: http } });
});

it('says that a server does not answer, and which', async () => {
  const refused = connectFleet({ http: 'http://127.0.0.1:9', whenStale, connectWithinMs: 300 });
  await expect(refused).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('127.0.0.1:9'),
  });
});
