import { AckPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NatsOptions } from '../../../src/streams/nats/options.js';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import { brokerOf, connectionTo, message, optionsFor } from './given.js';

const day = 86_400e9;

describeWithNats('streams of NATS', (version) => {
  let url = '';
  beforeAll(async () => {
    ({ url } = await startNats({ version }));
  });
  const managerOf = async () => (await connectionTo(url)).jetstreamManager();

  it('are made when they are used, with the settings of the design', async () => {
    const options = optionsFor(url);
    const { interactions, commands, circuits, deadLetters } = options.streams;
    const broker = await brokerOf(options);
    const manager = await managerOf();
    await expect(manager.streams.info(interactions)).rejects.toThrow('stream not found');
    await broker.consume('interactions');
    await broker.consume('commands');
    await broker.follow('circuits', 'now');
    await broker.sink.publish([message('1', { channel: 'dead-letters', key: 'invalid_json' })]);
    const prefix = options.subjectPrefix;
    const common = {
      retention: 'limits',
      storage: 'file',
      discard: 'old',
      num_replicas: 1,
      allow_direct: true,
      max_msgs: -1,
      max_bytes: -1,
      max_msgs_per_subject: -1,
      max_age: 0,
    };
    const configOf = async (name: string) => (await manager.streams.info(name)).config;
    expect(await configOf(interactions)).toMatchObject({
      ...common,
      subjects: [`${prefix}.interactions.*`],
      max_age: 7 * day,
    });
    expect(await configOf(commands)).toMatchObject({ ...common, subjects: [`${prefix}.commands.*`] });
    expect(await configOf(circuits)).toMatchObject({
      ...common,
      subjects: [`${prefix}.circuits.*.*`],
      max_msgs_per_subject: 16,
    });
    expect(await configOf(deadLetters)).toMatchObject({
      ...common,
      subjects: [`${prefix}.dead-letters.*.*`],
    });
  });

  it('are made before anything is published there, when they are prepared', async () => {
    const options = optionsFor(url);
    await (await brokerOf(options)).prepare('circuits');
    const { state } = await (await managerOf()).streams.info(options.streams.circuits);
    expect(state.messages).toBe(0);
  });

  it('are read through a durable consumer that delivers all, until it is acknowledged', async () => {
    const options = optionsFor(url);
    await (await brokerOf(options)).consume('interactions');
    const manager = await managerOf();
    const { config } = await manager.consumers.info(options.streams.interactions, 'fulcrum-processor');
    expect(config).toMatchObject({
      durable_name: 'fulcrum-processor',
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: 30e9,
      max_deliver: -1,
      max_ack_pending: 20_000,
      filter_subject: `${options.subjectPrefix}.interactions.*`,
    });
  });

  it('are taken as they are when they will do, and never altered', async () => {
    const options = optionsFor(url);
    const name = options.streams.interactions;
    const manager = await managerOf();
    await manager.streams.add({
      name,
      subjects: [`${options.subjectPrefix}.interactions.>`],
      storage: StorageType.Memory,
      max_age: 2 * day,
    });
    await manager.consumers.add(name, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 7e9,
      max_ack_pending: 5,
    });
    const settings = async () => [
      (await manager.streams.info(name)).config,
      (await manager.consumers.info(name, options.durable)).config,
    ];
    const before = await settings();
    const broker = await brokerOf(options);
    await broker.consume('interactions');
    await broker.sink.publish([message('1')]);
    expect(await settings()).toEqual(before);
  });

  it('are made once by processes that begin together', async () => {
    const options = optionsFor(url);
    const brokers = await Promise.all([1, 2, 3, 4].map(() => brokerOf(options)));
    const sources = await Promise.all(brokers.map((broker) => broker.consume('interactions')));
    expect(new Set(sources.flatMap((source) => source.logs())).size).toBe(1);
  });

  describe('that are there and will not do', () => {
    const refused: [string, (options: NatsOptions) => Partial<StreamConfig>, RegExp][] = [
      [
        'another retention',
        ({ subjectPrefix }) => ({
          subjects: [`${subjectPrefix}.interactions.*`],
          retention: RetentionPolicy.Workqueue,
        }),
        /stream INTERACTIONS_\w+: retention is workqueue and has to be limits; .*nats\.streams\.interactions/,
      ],
      [
        'other subjects',
        ({ subjectPrefix }) => ({ subjects: [`${subjectPrefix}.interactions.one`] }),
        /subjects is test-\w+\.trust\.interactions\.one and has to be such that they cover test-\w+\.trust\.interactions\.\*/,
      ],
      [
        'no acknowledgements',
        ({ subjectPrefix }) => ({ subjects: [`${subjectPrefix}.interactions.*`], no_ack: true }),
        /no_ack is true and has to be false/,
      ],
    ];

    it.each(refused)(
      'are refused for %s, by readers, followers and publishers',
      async (_, configOf, error) => {
        const options = optionsFor(url);
        const manager = await managerOf();
        await manager.streams.add({ name: options.streams.interactions, ...configOf(options) });
        const broker = await brokerOf(options);
        const expected = { code: 'mismatch', message: expect.stringMatching(error) };
        await expect(broker.consume('interactions')).rejects.toMatchObject(expected);
        await expect(broker.follow('interactions', 'now')).rejects.toMatchObject(expected);
        await expect(broker.sink.publish([message('1')])).rejects.toMatchObject(expected);
      },
    );

    it('are not made where another stream has their subjects', async () => {
      const options = optionsFor(url);
      const manager = await managerOf();
      const name = `OTHER_${options.streams.circuits}`;
      await manager.streams.add({ name, subjects: [`${options.subjectPrefix}.>`] });
      await expect((await brokerOf(options)).follow('circuits', 'now')).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringMatching(/make stream CIRCUITS_\w+: another stream has its subjects/),
      });
    });

    it('are refused when they cover what others own', async () => {
      const options = optionsFor(url);
      const manager = await managerOf();
      const name = options.streams.circuits;
      const subjects = [`${options.subjectPrefix}.circuits.*.*`, 'fulcrum.audit.log'];
      await manager.streams.add({ name, subjects });
      const broker = await brokerOf(options);
      await expect(broker.follow('circuits', 'now')).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('do not meet fulcrum.audit.>'),
      });
      await manager.streams.delete(name);
    });

    it.each([
      ['a finite max_deliver', { max_deliver: 5 }, 'max_deliver is 5 and has to be -1'],
      ['no explicit ack', { ack_policy: AckPolicy.All }, 'ack_policy is all and has to be explicit'],
      [
        'another filter',
        { filter_subject: 'one' },
        /filter_subject is \S+interactions\.one and has to be \S+\.\*/,
      ],
      ['delivery by itself', { deliver_subject: 'x' }, 'deliver_subject is x and has to be absent'],
    ])('have a consumer that is refused for %s', async (_, given, error) => {
      const options = optionsFor(url);
      const root = `${options.subjectPrefix}.interactions`;
      const manager = await managerOf();
      const name = options.streams.interactions;
      await manager.streams.add({ name, subjects: [`${root}.*`] });
      const filter = 'filter_subject' in given ? { filter_subject: `${root}.one` } : {};
      await manager.consumers.add(name, {
        durable_name: options.durable,
        ack_policy: AckPolicy.Explicit,
        ...given,
        ...filter,
      });
      const consuming = (await brokerOf(options)).consume('interactions');
      await expect(consuming).rejects.toMatchObject({ code: 'mismatch' });
      await expect(consuming).rejects.toThrow(error);
      await expect(consuming).rejects.toThrow(`consumer fulcrum-processor of stream ${name}`);
    });
  });
});
