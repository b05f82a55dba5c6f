import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { NatsBroker } from '../../src/streams/nats/broker.js';
import { defaultNatsOptions } from '../../src/streams/nats/options.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { connected, next, tenantOf, tryToProbe } from './contract.js';
import { fleetOnNats, onBroker } from './running.js';

const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
const documented = (pattern: RegExp): string => pattern.exec(page)?.[1] ?? expect.fail(`no ${pattern}`);

describeWithServer(
  ['nats', 'redis'],
  'the rights that docs/client.md gives',
  () => {
    it('are enough on NATS', async () => {
      const permissions = documented(/```\n(permissions \{[\s\S]*?\n\})\n```/);
      const server = await startNats({
        config: `authorization { users: [
          { user: processor, password: secret }
          { user: agent, password: secret, ${permissions.replaceAll('.default"', '.cooling"')} }
        ] }`,
      });
      const as = (user: string): string => server.url.replace('://', `://${user}:secret@`);
      const broker = await NatsBroker.connect({ ...defaultNatsOptions, servers: [as('processor')] });
      const fleet = await onBroker(server, broker, { nats: as('agent') });
      const refusals: string[] = [];
      const open = () =>
        connected({
          ...fleet.address,
          tenant: 'cooling',
          whenStale: 'failOpen',
          onStatus: (line, level) => level !== 'info' && refusals.push(line),
        });
      const clients = [await open(), await open()];
      const { made, closed } = await tryToProbe(clients);
      expect(made).toBe(1);
      await Promise.all(closed);
      expect(refusals).toEqual([]);
      await fleet.stop();
    });

    it('are enough on Redis', async () => {
      const [redis, fleet] = await Promise.all([startRedis({ own: true }), fleetOnNats()]);
      const admin = new Redis(redis.url);
      await admin.call(
        'ACL',
        'SETUSER',
        ...documented(/^ACL SETUSER (.*)$/m)
          .replace('PASSWORD', 'secret')
          .split(' '),
      );
      admin.disconnect();
      const client = await connected({
        ...fleet.address,
        redis: redis.url.replace('://', '://agent:secret@'),
        tenant: tenantOf('cooling'),
        whenStale: 'failOpen',
      });
      const closed = next(client, 'closed');
      expect((await tryToProbe([client])).made).toBe(1);
      await closed;
      await fleet.stop();
    });
  },
  { own: true },
);
