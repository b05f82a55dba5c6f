import { beforeAll, expect, it } from 'vitest';
import { startBroker } from '../helpers/brokers.js';
import { commandLine } from '../helpers/cli.js';
import { fleetOn } from '../helpers/fleet.js';
import { getFrom } from '../helpers/http.js';
import { describeWithServer } from '../servers/describe.js';
import { freePort } from '../servers/loopback.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import type { TestServer } from '../servers/server.js';
import { until } from '../servers/until.js';

const readiness = (url: string) => getFrom(url, '/readyz');

/** Resolves with what it says it cannot do. */
const notReady = (url: string) =>
  until('it is not ready', async () => {
    const { status, body } = await readiness(url);
    return status === 503 && String(body['detail']);
  });

const ready = (url: string) =>
  until('it is ready', async () => (await readiness(url)).status === 200, 45_000);

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    ['redis', source],
    `readiness of process on ${source}`,
    () => {
      const commands = commandLine();
      let broker: { readonly server: TestServer; readonly address: string };
      let redis: RedisServer;
      beforeAll(async () => {
        broker = await startBroker(source, { own: true });
        redis = await startRedis({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
      }, 60_000);

      const fleet = (name: string, redisUrl = redis.url) => {
        const servers = { source, broker: [`--${source}`, broker.address], redis: ['--redis', redisUrl] };
        return { ...fleetOn(commands, servers, name), flags: servers.broker };
      };

      async function countIs(ask: ReturnType<typeof fleet>['run'], count: number): Promise<void> {
        await until(`${count} interactions`, async () => {
          const { stdout } = await ask('state', 'a', 'b', '--json', '--redis', redis.url);
          return JSON.parse(stdout).interaction_count === count;
        });
      }

      it('ends while Redis is away, comes back with it, and no event is lost', async () => {
        const { process, run, flags } = fleet('redis-away');
        const { url = '' } = await process('--port', '0');
        const publish = () => run('publish', 'a', 'b', '--outcome', 'failure', ...flags);
        await publish();
        await countIs(run, 1);
        expect(await readiness(url)).toEqual({ status: 200, body: { status: 'ready' } });
        await redis.kill();
        // Relay, mark, recoveries: whichever has its turn first.
        expect(await notReady(url)).toMatch(
          /^cannot .*circuit events|^cannot .*mark|^cannot make recoveries/,
        );
        expect((await getFrom(url, '/healthz')).status).toBe(200);
        expect(await publish()).toMatchObject({ code: 0 });
        await until('it says what waits', async () =>
          String((await readiness(url)).body['detail']).includes('apply interactions'),
        );
        await redis.restart();
        await ready(url);
        await countIs(run, 2);
      }, 90_000);

      it('ends while the broker is away, and comes back with it', async () => {
        const { process, run, flags } = fleet('broker-away');
        const { url = '' } = await process('--port', '0', '--set', 'kafka.sessionTimeoutMs=6000');
        await ready(url);
        await broker.server.kill();
        expect(await notReady(url)).toContain('cannot ');
        await broker.server.restart();
        await ready(url);
        await run('publish', 'a', 'b', '--outcome', 'failure', ...flags);
        await countIs(run, 1);
      }, 120_000);

      it('does not begin before all servers are there, and says what it waits for', async () => {
        const port = await freePort();
        const { environment, flags } = fleet('late', `redis://127.0.0.1:${port}`);
        const listens = String(await freePort());
        const late = ['--redis', `redis://127.0.0.1:${port}`];
        const command = commands.start(
          ['process', '--source', source, ...flags, ...late, '--port', listens, '--json'],
          { environment },
        );
        const url = `http://127.0.0.1:${listens}`;
        await until('it waits for Redis', async () =>
          String((await readiness(url)).body['detail']).includes('connect to redis'),
        );
        expect((await getFrom(url, '/healthz')).status).toBe(200);
        expect((await getFrom(url, '/v1/circuits')).status).toBe(404);
        await startRedis({ port });
        expect(JSON.parse(await command.prints('stdout', /^.+(?=\n)/))).toEqual({
          source,
          store: 'redis',
          url,
        });
        await ready(url);
        expect((await command.kill('SIGTERM')).code).toBe(0);
      }, 90_000);

      it('is nowhere when no flag asks for it, whatever port the config has', async () => {
        const { environment, flags } = fleet('quiet');
        const redisFlag = ['--redis', redis.url];
        const port = String(await freePort());
        const command = commands.start(['process', '--source', source, ...flags, ...redisFlag, '--json'], {
          environment: { ...environment, FULCRUM_HTTP_PORT: port },
        });
        expect(JSON.parse(await command.prints('stdout', /^.+(?=\n)/))).toEqual({ source, store: 'redis' });
        await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
      }, 60_000);
    },
    { own: true },
  );
