import { expect, it } from 'vitest';
import { startBroker } from '../helpers/brokers.js';
import { commandLine } from '../helpers/cli.js';
import { fleetOn } from '../helpers/fleet.js';
import { getFrom, postTo } from '../helpers/http.js';
import { describeWithServer } from '../servers/describe.js';
import { until } from '../servers/until.js';

const failure = { agent_a: 'a', agent_b: 'b', outcome: 'failure' };
const pair = '/v1/pairs?agent_a=a&agent_b=b';

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    source,
    `\`up\` while ${source} is away`,
    () => {
      const commands = commandLine();

      it('takes nothing and says so, answers from its state, and goes on when it is back', async () => {
        const { server, address } = await startBroker(source, { own: true });
        const servers = { source, broker: [`--${source}`, address], redis: [] };
        const { up } = fleetOn(commands, servers, 'away');
        const soon = ['--set', 'kafka.sessionTimeoutMs=6000'];
        const { url } = await up('--data', commands.fresh(), ...soon);
        await postTo(url, '/v1/interactions', { ...failure, id: 'before' });
        await until('it is applied', async () => (await getFrom(url, pair)).status === 200);
        await server.kill();
        await until('it is not ready', async () => (await getFrom(url, '/readyz')).status === 503);
        expect(await postTo(url, '/v1/interactions', { ...failure, id: 'meanwhile' })).toMatchObject({
          status: 503,
          body: { title: 'Not now', detail: expect.stringMatching(/Send them again, with the same ids\.$/) },
        });
        expect((await postTo(url, '/v1/commands', { ...failure, action: 'reset' })).status).toBe(503);
        expect((await getFrom(url, pair)).body).toMatchObject({ interaction_count: 1 });
        await server.restart();
        const again = () => postTo(url, '/v1/interactions', { ...failure, id: 'meanwhile' });
        await until('it takes events', async () => (await again()).status === 202, 60_000);
        await until('it is ready', async () => (await getFrom(url, '/readyz')).status === 200, 60_000);
        await until('all is applied', async () => (await getFrom(url, pair)).body['interaction_count'] === 2);
      }, 180_000);
    },
    { own: true },
  );
