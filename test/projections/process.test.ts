import { Redis } from 'ioredis';
import { connect } from 'nats';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { agentKeys } from '../../src/store/redis/agent-keys.js';
import { commandLine, jsonLines } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { startKafka } from '../servers/kafka.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { lifetimes, reads, unique } from './running.js';

const { start, run } = commandLine();

/** What opens a circuit at a score of exactly 0.25: of two events the first would decay until the second comes. */
const twoFailures = ['--outcome', 'failure', '--weight', '2'];

/** Names of a fleet's own for all that it makes. */
function environmentOf(fleet: string): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    FULCRUM_REDIS_PREFIX: fleet,
    FULCRUM_NATS_SUBJECT_PREFIX: fleet,
    FULCRUM_KAFKA_GROUP_ID: fleet,
  };
  for (const part of ['INTERACTIONS', 'COMMANDS', 'CIRCUITS', 'DEAD_LETTERS']) {
    environment[`FULCRUM_NATS_STREAMS_${part}`] = `${fleet}_${part}`;
    environment[`FULCRUM_KAFKA_TOPICS_${part}`] = `${fleet}.${part}`;
  }
  return environment;
}

describeWithServer(['redis', 'nats'], 'process projects agents', () => {
  let nats: readonly string[] = [];
  let natsUrl = '';
  let redisUrl = '';
  let redis: Redis;
  beforeAll(async () => {
    [{ url: natsUrl }, { url: redisUrl }] = await Promise.all([startNats(), startRedis()]);
    nats = ['--nats', natsUrl];
    redis = new Redis(redisUrl);
    return () => redis.disconnect();
  });

  async function telemetry(agent: string): Promise<() => Promise<unknown>> {
    const connection = await connect({ servers: natsUrl });
    onTestFinished(() => connection.close());
    const messages = connection.subscribe(`fulcrum.trust.agent.${agent}.event`)[Symbol.asyncIterator]();
    await connection.flush();
    return async () => (await messages.next()).value?.json();
  }

  it('without any config, and one takes over when another is killed', async () => {
    const environment = environmentOf(unique('fleet'));
    const prefix = environment['FULCRUM_REDIS_PREFIX'];
    const processor = async () => {
      const command = start(['process', '--source', 'nats', ...nats, '--redis', redisUrl, '--json'], {
        environment,
      });
      await command.prints('stdout', /\n/);
      return command;
    };
    const [planner, coder] = [unique('planner'), unique('coder')];
    const heard = await telemetry(coder);
    const first = await processor();
    await first.prints('stderr', /this process projects agents/);
    const second = await processor();
    await run(['publish', planner, coder, ...twoFailures, ...nats], { environment });
    await reads(redis, coder, '2 0.250000');
    expect(await heard()).toMatchObject({
      agent_id: coder,
      circuit_state: 2,
      circuit_state_name: 'ISOLATED',
      trust_score: 0.25,
    });
    await first.kill('SIGKILL');
    await second.prints('stderr', /this process projects agents/);
    await run(['terminate', planner, coder, ...nats], { environment });
    await reads(redis, coder, '3 0.250000');
    expect(await lifetimes(redis, coder)).toEqual([-1, -1]);
    expect(await second.kill('SIGTERM')).toMatchObject({ code: 0 });
    expect(await redis.exists(`${prefix}:projector`)).toBe(0);
  }, 60_000);

  it('refuses a cluster without another server for the keys, before it connects', async () => {
    const cluster = ['process', '--source', 'nats', '--redis', 'redis+cluster://127.0.0.1:1'];
    const refused = await run(cluster);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(
      /redis\.url is a Redis Cluster.*projection\.redisUrl.*projection\.agentKeys/s,
    );
    const both = await run([...cluster, '--set', 'projection.redisUrl=redis+cluster://127.0.0.1:1']);
    expect(both.stderr).toContain('projection.redisUrl is a Redis Cluster');
  });

  it('goes on processing while the server of the keys is away', async () => {
    const environment = environmentOf(unique('fleet'));
    const keys = ['--set', 'projection.redisUrl=redis://127.0.0.1:1'];
    const command = start(['process', '--source', 'nats', ...nats, '--redis', redisUrl, ...keys], {
      environment,
    });
    await command.prints('stderr', /cannot connect to redis for projections/);
    const [a, b] = [unique('a'), unique('b')];
    await run(['publish', a, b, '--outcome', 'failure', ...nats], { environment });
    await until('it is applied', async () => {
      const state = await run(['state', a, b, '--redis', redisUrl, '--json'], { environment });
      return state.code === 0;
    });
    expect(await command.kill('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('projects nothing when neither keys nor telemetry are wanted', async () => {
    const environment = environmentOf(unique('fleet'));
    const off = ['--set', 'projection.agentKeys=false', '--set', 'projection.telemetry=false'];
    const servers = [...nats, '--redis', redisUrl];
    const command = start(['process', '--source', 'nats', ...servers, ...off], { environment });
    await command.prints('stdout', /processing/);
    const agent = unique('a');
    const ended = await run(['terminate', agent, agent, ...nats], { environment });
    expect(ended.stdout).toContain('done: circuit event');
    const { code, stderr } = await command.kill('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).not.toContain('projects agents');
    expect(await redis.exists(...agentKeys(agent), `${environment['FULCRUM_REDIS_PREFIX']}:projector`)).toBe(
      0,
    );
  });

  it('doctor says when the server of the keys does not answer', async () => {
    const flags = ['--redis', redisUrl, '--set', 'projection.redisUrl=redis://127.0.0.1:1', '--json'];
    const { code, stdout } = await run(['doctor', ...flags]);
    const finding = jsonLines(stdout).find(({ what }) => String(what).includes('keys of agents'));
    expect(finding).toMatchObject({
      status: 'bad',
      detail: expect.stringContaining('redis://127.0.0.1:1 does not answer'),
    });
    expect(code).toBe(1);
    const off = await run(['doctor', ...flags, '--set', 'projection.agentKeys=false']);
    expect(off.stdout).not.toContain('keys of agents');
  });
});

describeWithServer(['redis', 'nats', 'kafka'], 'process on Kafka projects agents', () => {
  it('and tells of them on NATS when that is asked for', async () => {
    const environment = environmentOf(unique('fleet'));
    const [kafka, { url: natsUrl }, { url: redisUrl }] = await Promise.all([
      startKafka(),
      startNats(),
      startRedis(),
    ]);
    const broker = ['--kafka', kafka.brokers.join(',')];
    const connection = await connect({ servers: natsUrl });
    const redis = new Redis(redisUrl);
    onTestFinished(() => {
      redis.disconnect();
      return connection.close();
    });
    const messages = connection.subscribe('fulcrum.trust.agent.*.event')[Symbol.asyncIterator]();
    const servers = [...broker, '--nats', natsUrl, '--redis', redisUrl];
    const telemetry = ['--set', 'projection.telemetry=true'];
    const command = start(['process', '--source', 'kafka', ...servers, ...telemetry], { environment });
    await command.prints('stderr', /this process projects agents/);
    const agent = unique('a.b');
    await run(['publish', agent, agent, ...twoFailures, ...broker], { environment });
    await reads(redis, agent, '2 0.250000');
    const { value } = await messages.next();
    expect(value?.subject).toBe(`fulcrum.trust.agent.${agent.replace('.', '%2E')}.event`);
    expect(await command.kill('SIGTERM')).toMatchObject({ code: 0 });
  }, 60_000);
});
