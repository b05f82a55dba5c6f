import { AckPolicy, RetentionPolicy } from 'nats';
import { beforeAll, expect, it } from 'vitest';
import type { Channel, Finding } from '../../../src/ports.js';
import type { NatsBroker } from '../../../src/streams/nats/broker.js';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import { brokerOf, connectionTo, message, messages, optionsFor, readTexts } from './given.js';

/** Findings by what was looked at. */
async function findingsOf(
  broker: NatsBroker,
  analysersWrite: readonly Channel[] | null = null,
): Promise<Record<string, Finding>> {
  const findings = await broker.check(analysersWrite);
  return Object.fromEntries(findings.map((finding) => [finding.what, finding]));
}

describeWithNats(
  'checking NATS',
  (version) => {
    let url = '';
    beforeAll(async () => {
      ({ url } = await startNats({ version }));
    });

    it('names what is there, what will be made, and makes nothing', async () => {
      const options = optionsFor(url);
      const broker = await brokerOf(options);
      const findings = await findingsOf(broker);
      expect(findings['nats server']).toMatchObject({
        status: 'ok',
        detail: expect.stringMatching(/^nats-server 2\.\d+\.\d+ at 127\.0\.0\.1:\d+$/),
      });
      expect(findings['nats JetStream']?.status).toBe('ok');
      expect(findings['nats max_payload']).toMatchObject({ status: 'ok', detail: '1048576 bytes' });
      expect(findings['nats permissions']?.status).toBe('ok');
      const absent = { status: 'warning', detail: 'is absent', mend: 'nothing: it is made when it is used' };
      const { interactions, commands, circuits, deadLetters } = options.streams;
      for (const name of [interactions, commands, circuits, deadLetters])
        expect(findings[`nats stream ${name}`]).toMatchObject(absent);
      for (const name of [interactions, commands])
        expect(findings[`nats consumer fulcrum-processor of ${name}`]).toMatchObject(absent);
      const manager = await (await connectionTo(url)).jetstreamManager();
      await expect(manager.streams.info(interactions)).rejects.toThrow('stream not found');
    });

    it('says how far the consumer lags behind', async () => {
      const options = optionsFor(url);
      const broker = await brokerOf(options);
      await broker.sink.publish(messages(5));
      const source = await broker.consume('interactions');
      await readTexts(source, 2, 1);
      const { interactions } = options.streams;
      await until('two are acknowledged', async () => (await source.progress())[0]?.acknowledged === 2);
      const findings = await findingsOf(broker);
      expect(findings[`nats stream ${interactions}`]).toMatchObject({
        status: 'ok',
        detail: expect.stringMatching(/^5 messages, \d+ bytes, positions 1 to 5$/),
      });
      expect(findings[`nats consumer fulcrum-processor of ${interactions}`]).toMatchObject({
        status: 'ok',
        detail: expect.stringMatching(/^[23] to be read, [01] not yet acknowledged$/),
      });
    });

    it('finds what does not have to be so, and how to mend it', async () => {
      const options = optionsFor(url);
      const { interactions, commands, circuits } = options.streams;
      const root = options.subjectPrefix;
      const manager = await (await connectionTo(url)).jetstreamManager();
      await manager.streams.add({
        name: interactions,
        subjects: [`${root}.interactions.*`],
        retention: RetentionPolicy.Interest,
      });
      await manager.streams.add({ name: commands, subjects: [`${root}.commands.*`], max_age: 3_600e9 });
      await manager.consumers.add(commands, {
        durable_name: options.durable,
        ack_policy: AckPolicy.Explicit,
        max_deliver: 3,
      });
      await manager.streams.add({
        name: circuits,
        subjects: [`${root}.circuits.*.*`],
        allow_direct: true,
        max_msgs_per_subject: 2,
      });
      const findings = await findingsOf(await brokerOf(options));
      expect(findings[`nats stream ${interactions}`]).toMatchObject({
        status: 'bad',
        detail: 'retention is interest and has to be limits',
        mend: 'mend it, or name another in nats.streams.interactions',
      });
      expect(findings[`nats stream ${commands}`]).toMatchObject({
        status: 'warning',
        detail: 'max_age is 3600 s (made with 0 s)',
      });
      expect(findings[`nats consumer fulcrum-processor of ${commands}`]).toMatchObject({
        status: 'bad',
        detail: 'max_deliver is 3 and has to be -1',
      });
      expect(findings[`nats stream ${circuits}`]).toMatchObject({
        status: 'warning',
        detail: 'max_msgs_per_subject is 2 (made with 16)',
      });
    });

    it('finds that retention overtook the consumer', async () => {
      const options = optionsFor(url);
      const name = options.streams.interactions;
      const manager = await (await connectionTo(url)).jetstreamManager();
      await manager.streams.add({
        name,
        subjects: [`${options.subjectPrefix}.interactions.*`],
        max_msgs: 10,
      });
      const broker = await brokerOf(options);
      const source = await broker.consume('interactions');
      await broker.sink.publish(messages(5));
      await readTexts(source, 5);
      await until('all is acknowledged', async () => (await source.progress())[0]?.acknowledged === 5);
      await source.close();
      await broker.sink.publish(messages(20, {}, 6));
      expect((await findingsOf(broker))[`nats consumer fulcrum-processor of ${name}`]).toMatchObject({
        status: 'warning',
        detail: expect.stringContaining('retention overtook it: 10 messages were removed'),
      });
    });

    it('finds that nothing is delivered any more', async () => {
      const options = optionsFor(url, { maxAckPending: 3 });
      const broker = await brokerOf(options);
      await broker.sink.publish(messages(5));
      const source = await broker.consume('interactions');
      let read = 0;
      while (read < 3) read += (await source.read(3, 10_000))?.messages.length ?? 0;
      const what = `nats consumer fulcrum-processor of ${options.streams.interactions}`;
      expect((await findingsOf(broker))[what]).toMatchObject({
        status: 'warning',
        detail: '2 to be read, 3 not yet acknowledged: no more are delivered',
      });
    });

    it('finds a server without JetStream', async () => {
      const server = await startNats({
        version,
        config: `accounts { A: { users: [ { user: a, password: a } ] } }`,
      });
      const broker = await brokerOf(optionsFor(server.url, { user: 'a', password: 'a' }));
      const findings = await findingsOf(broker);
      expect(findings['nats JetStream']).toMatchObject({
        status: 'bad',
        detail: expect.stringContaining('JetStream is not enabled'),
        mend: 'start the server with JetStream (-js) and enable it for the account',
      });
      await expect(broker.consume('interactions')).rejects.toMatchObject({ code: 'unavailable' });
      await expect(broker.sink.publish([message('a')])).rejects.toMatchObject({ code: 'unavailable' });
    });

    it('finds a server that is away', async () => {
      const server = await startNats({ version, own: true });
      const lines: string[] = [];
      const broker = await brokerOf(optionsFor(server.url), (line) => lines.push(line));
      await server.kill();
      await until('the loss is noticed', async () => lines.length > 0);
      expect(await broker.check()).toMatchObject([
        { what: 'nats server', status: 'bad', mend: 'start it, or check nats.servers' },
      ]);
    });

    it('finds what this user may not do, where the server tells', async () => {
      const { url } = await startNats({
        version,
        config: `authorization { users: [ { user: a, password: a, permissions: {
          publish: { deny: ["*.trust.circuits.>", "$JS.ACK.>"] } } } ] }`,
      });
      const options = optionsFor(url, { user: 'a', password: 'a' });
      const { interactions, commands } = options.streams;
      const told = {
        what: 'nats permissions',
        status: 'bad',
        detail:
          `may not publish to ${options.subjectPrefix}.circuits.*.*, ` +
          `publish to $JS.ACK.${interactions}.fulcrum-processor.>, ` +
          `publish to $JS.ACK.${commands}.fulcrum-processor.>`,
        mend: 'grant this to the user',
      };
      const untold = { status: 'ok', detail: expect.stringContaining('the server does not tell them') };
      expect((await findingsOf(await brokerOf(options)))['nats permissions']).toMatchObject(
        version === '2.9' ? untold : told,
      );
    });

    it('finds what analysers may not do, where there are to be some', async () => {
      const { url } = await startNats({
        version,
        config: `authorization { users: [ { user: a, password: a, permissions: {
          publish: { deny: ["*.trust.analyses.>", "$JS.ACK.CIRCUITS.>"] } } } ] }`,
      });
      const given = optionsFor(url, { user: 'a', password: 'a' });
      const options = { ...given, streams: { ...given.streams, circuits: 'CIRCUITS' } };
      const broker = await brokerOf(options);
      const what = 'nats permissions of analysers';
      const absent = `nats consumer fulcrum-analyser of ${options.streams.analyses}`;
      const untold = { status: 'ok', detail: expect.stringContaining('the server does not tell them') };
      const found = await findingsOf(broker, ['analyses', 'dead-letters']);
      expect(found[what]).toMatchObject(
        version === '2.9'
          ? untold
          : {
              status: 'bad',
              detail:
                `may not publish to ${options.subjectPrefix}.analyses.*.*, ` +
                'publish to $JS.ACK.CIRCUITS.fulcrum-analyser.>',
            },
      );
      expect(found[absent]).toMatchObject({ status: 'warning', detail: 'is absent' });
      const without = await findingsOf(broker);
      expect([without[what], without[absent]]).toEqual([undefined, undefined]);
    });
  },
  { own: true },
);
