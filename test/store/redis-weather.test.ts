import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { RedisStore } from '../../src/store/redis/store.js';
import { takeLuaNumbers } from '../contract/store/lua-numbers.js';
import { describeWithServer } from '../servers/describe.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { applyUntilDone, expectCountedOnce, Log, load, Troubles } from './redis-log.js';

takeLuaNumbers();

describeWithServer(
  'redis',
  'RedisStore on a Redis that comes and goes',
  () => {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
    /** Loads slowly, and answers in the meantime that it loads. */
    const slow = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];

    async function open({ url }: RedisServer) {
      const told: string[] = [];
      const store = await RedisStore.open({ url, onStatus: (line) => void told.push(line) });
      onTestFinished(() => store.close());
      return { store, told };
    }

    /** Asks at once, also one that loads. */
    function connect({ url }: RedisServer): Redis {
      const client = new Redis(url, { enableReadyCheck: false });
      client.on('error', () => {});
      onTestFinished(() => client.disconnect());
      return client;
    }

    it('counts once what is applied across crashes', async () => {
      const server = await startRedis({ args: durable });
      const { store, told } = await open(server);
      const log = new Log('log');
      const { stop, troubles } = load(store, log);
      for (let crashes = 1; crashes <= 3; crashes++) {
        const seen = troubles.all.length;
        await server.kill();
        await until('a call fails', async () => troubles.all.length > seen);
        await server.restart();
        const from = log.events.length;
        await until('it goes on', async () => log.events.length > from + 64);
      }
      await stop();
      await expectCountedOnce(store, log);
      expect(told).toContain(`${server.url} is away`);
      expect(told).toContain(`${server.url} is back`);
    });

    it('acknowledges nothing while Redis answers LOADING', async () => {
      const server = await startRedis({ args: [...durable, ...slow, '--enable-debug-command', 'yes'] });
      const { store } = await open(server);
      const log = new Log('log', 400);
      await applyUntilDone(store, log.next(800));
      const looking = connect(server);
      expect(await looking.info('persistence')).toContain('loading:0');
      const { stop, troubles } = load(store, log);
      const reloaded = connect(server).call('DEBUG', 'RELOAD');
      await troubles.met(/LOADING/);
      const done = log.events.length;
      expect(await looking.info('persistence')).toContain('loading:1');
      expect(log.events.length).toBe(done);
      await reloaded;
      await stop();
      await expectCountedOnce(store, log);
    });

    it('waits at a restart until the data is loaded', async () => {
      const server = await startRedis({ args: slow });
      const { store } = await open(server);
      const log = new Log('log', 400);
      await applyUntilDone(store, log.next(800));
      await connect(server).save();
      await server.kill();
      const restarted = server.restart();
      const troubles = new Troubles();
      const applied = applyUntilDone(store, log.next(64), troubles);
      const looking = connect(server);
      await until('Redis loads', async () => (await looking.info('persistence')).includes('loading:1'));
      let isDone = false;
      void applied.then(() => {
        isDone = true;
      });
      expect(isDone).toBe(false);
      await restarted;
      expect(new Set(await applied)).toEqual(new Set(['applied']));
      await expectCountedOnce(store, log);
    });

    it('gives up a call to a Redis that hangs, and what hung counts once', async () => {
      const server = await startRedis({ own: true });
      const { store } = await open(server);
      const log = new Log('log');
      await applyUntilDone(store, log.next(64));
      const troubles = new Troubles();
      server.signal('SIGSTOP');
      const applied = applyUntilDone(store, log.next(64), troubles);
      await troubles.met(/unavailable|does not answer/);
      server.signal('SIGCONT');
      await applied;
      await expectCountedOnce(store, log);
    });
  },
  { own: true },
);
