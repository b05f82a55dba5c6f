import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { connect } from 'nats';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { connectBroker } from '../../src/runtime/servers.js';
import { RedisStore } from '../../src/store/redis/store.js';
import { TrustConfig } from '../../src/trust/config.js';
import { startBroker } from '../helpers/brokers.js';
import { commandLine } from '../helpers/cli.js';
import { type Fleet, fleetOn } from '../helpers/fleet.js';
import { circuitEvents, difference, modelOf } from '../recovery/log-model.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

const policy = { name: 'default', version: 0, config: new TrustConfig(), enforced: true };

/** Repeats to the letter. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Interactions of 30 pairs of two tenants, of the last hour, now and then one that is late, sent twice, or no event. */
function load(count: number, name: string): string {
  const random = numbers(count);
  const next = (most: number) => Math.floor((random.next().value as number) * most);
  const begun = Date.now() / 1_000 - 3_600;
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const agents = {
      agent_a: `agent-${next(6)}`,
      agent_b: `tool-${next(5)}`,
      tenant: ['default', 'acme'][next(2)],
    };
    const outcome = ['success', 'failure', 'failure', 'partial'][next(4)];
    const time = begun + (3_600 * i) / count - (next(10) === 0 ? next(600) : 0);
    lines.push(JSON.stringify({ id: `${name}-${i}`, ...agents, outcome, time, weight: 0.5 + next(4) }));
    if (next(50) === 0) lines.push(lines.at(-1) as string);
  }
  return `${lines.join('\n')}\n`;
}

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    ['redis', source],
    `rebuild from ${source}`,
    () => {
      const commands = commandLine();
      let broker: readonly string[] = [];
      let url = '';
      beforeAll(async () => {
        broker = [`--${source}`, (await startBroker(source)).address];
        ({ url } = await startRedis({ own: true }));
      }, 60_000);

      async function given(name: string) {
        const redis = ['--redis', url];
        const fleet: Fleet = fleetOn(commands, { source, broker, redis }, name);
        const environment = { ...fleet.environment, FULCRUM_KAFKA_PARTITIONS: '3' };
        Object.assign(fleet.environment, environment);
        const { config } = loadConfig(null, {}, { ...environment, ...addresses(broker, url) });
        const logs = await connectBroker(source, config, () => {});
        onTestFinished(() => logs.close());
        const run = (...args: string[]) => commands.run([...args, ...broker, ...redis], { environment });
        const start = (...args: string[]) => commands.start([...args, ...broker, ...redis], { environment });
        const publish = async (text: string) => {
          const sent = await commands.run(['publish', '-', ...broker], { environment, input: text });
          expect(sent).toMatchObject({ code: 0 });
        };
        const openStore = async (prefix = name) => {
          const store = await RedisStore.open({ url, prefix, create: false });
          onTestFinished(() => store.close());
          return store;
        };
        /** Resolves when every pair is as the pure functions have it. */
        const agrees = async (prefix = name) => {
          const { model, pairs, interactions } = await modelOf(logs, policy);
          model.due(Date.now() / 1_000, Date.now(), false);
          const store = await openStore(prefix);
          await until('every pair is as the model has it', async () => {
            for (const { tenant, pairId } of pairs) {
              const state = (await store.read(tenant, pairId))?.state ?? null;
              const expected = model.read(tenant, pairId)?.state ?? null;
              const off = difference(state, expected, policy);
              if (!(off < 1e-9))
                throw new Error(`${pairId}: ${off} ${JSON.stringify(state)} ${JSON.stringify(expected)}`);
            }
            return true;
          });
          return { pairs, interactions, store };
        };
        return { fleet, logs, run, start, publish, agrees, openStore };
      }

      /** A reader's last-known circuits, by pair. */
      const lastKnown = (events: readonly CircuitEvent[]) => {
        const newest = new Map<string, CircuitEvent['data']>();
        for (const { data } of events) {
          const key = `${data.tenant}/${data.pair_id}`;
          if ((newest.get(key)?.transition ?? 0) < data.transition) newest.set(key, data);
        }
        return newest;
      };

      it('makes the state that there was, tells of circuits that differ, and processors go on', async () => {
        const { fleet, logs, run, publish, agrees, openStore } = await given('whole');
        const processors = [await fleet.process(), await fleet.process()];
        await publish(load(3_000, 'one'));
        await agrees();
        // An event ahead of the clock: the reset takes effect after it, which its circuit event alone knows.
        const ahead = { agent_a: 'early', agent_b: 'bird', time: Date.now() / 1_000 + 60 };
        await publish(`${JSON.stringify({ ...ahead, id: 'ahead', outcome: 'failure' })}\n`);
        await agrees();
        for (const pair of [
          ['early', 'bird'],
          ['agent-1', 'tool-1'],
        ])
          expect((await fleet.run('reset', ...pair, ...broker)).stdout).toContain('done');
        expect((await fleet.run('terminate', 'agent-2', 'tool-2', ...broker)).stdout).toContain('done');
        await publish(load(2_000, 'two'));
        await agrees();

        const redis = new Redis(url);
        onTestFinished(() => redis.disconnect());
        const live = new Map<string, unknown>();
        const before = await agrees();
        for (const { tenant, pairId } of before.pairs)
          live.set(
            `${tenant}/${pairId}`,
            (await before.store.read(tenant, pairId))?.state?.circuitState ?? null,
          );
        await redis.flushall();
        for (const processor of processors)
          expect(await processor.ended).toMatchObject({
            code: 6,
            stderr: expect.stringMatching(/rebuild.*--fresh/),
          });
        const refused = await run('process', '--source', source);
        expect(refused).toMatchObject({ code: 6, stderr: expect.stringMatching(/rebuild.*--fresh/) });

        const published = await circuitEvents(logs);
        // What nobody processes yet: circuits that the readers do not know.
        await publish(load(500, 'three'));
        const rebuilt = await run('rebuild', '--json');
        expect(rebuilt).toMatchObject({ code: 0 });
        const told = JSON.parse(rebuilt.stdout) as Record<string, unknown>;
        expect(told).toMatchObject({
          from: null,
          commands: 3,
          resets_at_their_circuit_event: 2,
          repeats: 0,
          went_on: false,
        });
        const after = await agrees();
        const store = await openStore();
        const events = await circuitEvents(logs);
        const known = lastKnown(published);
        const toldBefore = new Set(published.map(({ id }) => id));
        const news = events.filter(({ id }) => !toldBefore.has(id));
        const differing = new Set<string>();
        for (const { tenant, pairId } of after.pairs) {
          const key = `${tenant}/${pairId}`;
          const pair = await store.read(tenant, pairId);
          if ((pair?.state?.circuitState ?? 'CLOSED') !== (known.get(key)?.to ?? 'CLOSED'))
            differing.add(key);
        }
        expect(differing.size).toBeGreaterThan(0);
        expect(told['circuits_announced']).toBe(differing.size);
        expect(news.map(({ data }) => `${data.tenant}/${data.pair_id}`).sort()).toEqual(
          [...differing].sort(),
        );
        for (const { data } of news) {
          const last = known.get(`${data.tenant}/${data.pair_id}`);
          expect(data).toMatchObject({
            from: last?.to ?? 'CLOSED',
            previous_transition: last?.transition ?? 0,
          });
          expect(data.transition).toBeGreaterThan(last?.transition ?? 0);
        }

        await fleet.process();
        await fleet.process();
        await publish(load(1_000, 'four'));
        await agrees();
        const newest = lastKnown(await circuitEvents(logs));
        await until('readers know how every pair stands', async () => {
          const now = lastKnown(await circuitEvents(logs));
          for (const { tenant, pairId } of after.pairs) {
            const pair = await store.read(tenant, pairId);
            if ((pair?.state?.circuitState ?? 'CLOSED') !== (now.get(`${tenant}/${pairId}`)?.to ?? 'CLOSED'))
              return false;
          }
          return true;
        });
        expect(newest.size).toBeGreaterThan(0);
      }, 120_000);

      it('goes on where it was when it died, and nobody works on the state meanwhile', async () => {
        const { fleet, run, start, publish, agrees } = await given('killed');
        await publish(load(8_000, 'one'));
        const redis = new Redis(url);
        onTestFinished(() => redis.disconnect());
        // One event a call, so that it is not done before it is ended.
        const slowly = ['rebuild', '--set', 'processor.maxBatch=1'];
        const interrupted = start(...slowly);
        await until('it has marked how far it is', async () => {
          const marks = await redis.hgetall('killed:{3}:mark');
          return Object.keys(marks).some((field) => field.startsWith('acknowledged:killed')) || undefined;
        });
        expect(await interrupted.kill('SIGINT')).toMatchObject({
          code: 130,
          stderr: expect.stringContaining('goes on where it was'),
        });
        const first = start(...slowly);
        await until('it is at it', async () => (await redis.exists('killed:rebuild')) === 1);
        const second = await run('rebuild');
        expect(second).toMatchObject({ code: 6, stderr: expect.stringContaining('another rebuild') });
        await first.kill('SIGKILL');
        expect(await run('process', '--source', source)).toMatchObject({
          code: 6,
          stderr: expect.stringContaining('being rebuilt'),
        });
        // Its lease lapses by itself; no test waits for that.
        await redis.del('killed:rebuild');
        const rebuilt = await run('rebuild', '--json');
        expect(rebuilt).toMatchObject({ code: 0 });
        const told = JSON.parse(rebuilt.stdout) as Record<string, number>;
        expect(told).toMatchObject({ went_on: true, from: null });
        expect(told['interactions']).toBeLessThan(8_000);
        await agrees();
        await fleet.process();
        await publish(load(200, 'two'));
        await agrees();
        expect(await run('rebuild')).toMatchObject({
          code: 6,
          stderr: expect.stringMatching(/killed:meta.*there is trust state here.*--prefix/),
        });
      }, 120_000);

      it('says from when there are interactions, and what no log holds', async () => {
        const { fleet, run, publish, agrees } = await given('aged');
        await publish(load(200, 'gone'));
        const between = Date.now() / 1_000;
        await forget(source, broker[1] ?? '', 'aged_INTERACTIONS', 'aged.INTERACTIONS');
        await publish(load(300, 'kept'));
        const { stdout } = await run('rebuild');
        const [, from = ''] =
          /^from (\S+) on: what came before is not in the log any more/m.exec(stdout) ?? [];
        // Servers and tests have one clock here, read to the ms.
        expect(Date.parse(from) / 1_000).toBeGreaterThanOrEqual(between - 0.002);
        expect(Date.parse(from)).toBeLessThanOrEqual(Date.now());
        expect(stdout).toMatch(/what no log holds is not in it: .*calls of RedisStore/);
        await fleet.process();
        await agrees();
      }, 120_000);

      it('into other keys while a fleet works is brought up to date by the first processor that takes them over', async () => {
        const { fleet, run, publish, agrees } = await given('moved');
        const old = await fleet.process();
        await publish(load(500, 'one'));
        await agrees();
        expect(await run('rebuild', '--prefix', 'moved2')).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/500 interactions.*\nfrom the first interaction on/s),
        });
        // What the old fleet acknowledges from now on never comes to the new one by itself.
        await publish(load(300, 'two'));
        await agrees();
        expect(await old.kill('SIGTERM')).toMatchObject({ code: 0 });
        const taken = commands.start(['process', '--source', source, '--json', ...broker, '--redis', url], {
          environment: { ...fleet.environment, FULCRUM_REDIS_PREFIX: 'moved2' },
        });
        await taken.prints('stderr', /did not have is applied again: (3\d\d) of \1 interactions/);
        await agrees('moved2');
      }, 120_000);
    },
    { own: true },
  );

/** Removes all that a log holds, as retention does. */
async function forget(
  source: 'nats' | 'kafka',
  address: string,
  stream: string,
  topic: string,
): Promise<void> {
  if (source === 'nats') {
    const connection = await connect({ servers: address });
    await (await connection.jetstreamManager()).streams.purge(stream);
    return connection.close();
  }
  const admin = new Kafka({ brokers: address.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
  await admin.deleteTopicRecords({ topic, partitions });
  await admin.disconnect();
}

const addresses = ([flag, address]: readonly string[], url: string): NodeJS.ProcessEnv => ({
  [flag === '--nats' ? 'FULCRUM_NATS_SERVERS' : 'FULCRUM_KAFKA_BROKERS']: address,
  FULCRUM_REDIS_URL: url,
});
