import { createHash } from 'node:crypto';
import { headers } from 'nats';
import { expect, it, onTestFinished } from 'vitest';
import type { SourceMessage } from '../../../src/ports.js';
import { Processor } from '../../../src/processor/processor.js';
import { MemoryStore } from '../../../src/store/memory.js';
import { MemorySink } from '../../../src/streams/memory.js';
import type { NatsOptions } from '../../../src/streams/nats/options.js';
import { policyBook } from '../../processor/given.js';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import { brokerOf, connectionTo, nextBatch, optionsFor, textOf } from './given.js';

const clock = (): number => Date.now() / 1_000;

describeWithNats(
  'dead letters on NATS',
  (version) => {
    /** Runs a processor on NATS; gives its troubles, and a reader of its dead letters. */
    async function processorOn(options: NatsOptions) {
      const broker = await brokerOf(options);
      const troubles: string[] = [];
      const processor = new Processor({
        store: new MemoryStore({ clock }),
        interactions: [await broker.consume('interactions')],
        circuits: new MemorySink(),
        deadLetters: broker.sink,
        policies: () => policyBook(),
        clock,
        weather: { failed: (_, error) => void troubles.push(String(error)), recovered: () => {} },
      });
      void processor.run();
      onTestFinished(() => processor.stop(0));
      const letters = await broker.follow('dead-letters', 'start');
      const source = await broker.consume('interactions');
      const acknowledged = async () => (await source.progress())[0]?.acknowledged;
      return { troubles, letters, acknowledged };
    }

    it('go with the beginning of what is too large together with their own headers', async () => {
      const maxPayload = 100_000;
      const { url } = await startNats({ version, config: `max_payload: ${maxPayload}` });
      const options = optionsFor(url);
      const { troubles, letters, acknowledged } = await processorOn(options);
      const jetStream = (await connectionTo(url)).jetstream();
      const subject = `${options.subjectPrefix}.interactions.blue`;
      const body = Buffer.alloc(maxPayload, 'no json ');
      await jetStream.publish(subject, body);
      const given = headers();
      given.set('large', 'x'.repeat(65_400));
      given.set('small', 'y');
      await jetStream.publish(subject, '{', { headers: given });
      const found = [...(await nextBatch(letters, 10)).messages];
      while (found.length < 2) found.push(...(await nextBatch(letters, 10)).messages);
      const [large, headed] = found;
      expect(large?.body.byteLength).toBe(65_536);
      expect(body.subarray(0, 65_536).equals(large?.body ?? body)).toBe(true);
      expect(large?.headers).toMatchObject({
        'dlq-reason': 'invalid_json',
        'dlq-original-length': String(maxPayload),
        'dlq-original-sha256': createHash('sha256').update(body).digest('hex'),
      });
      expect(found.map(({ tenant }) => tenant)).toEqual(['blue', 'blue']);
      expect(headed && textOf(headed)).toBe('{');
      expect(headed?.headers).toMatchObject({
        'dlq-reason': 'invalid_json',
        'dlq-headers-omitted': '1',
        small: 'y',
      });
      await until('both are acknowledged', async () => (await acknowledged()) === 2);
      expect(troubles).toEqual([]);
    });

    it('are cut to what their stream takes', async () => {
      const { url } = await startNats({ version });
      const options = optionsFor(url);
      const manager = await (await connectionTo(url)).jetstreamManager();
      const subjects = [`${options.subjectPrefix}.dead-letters.*.*`];
      await manager.streams.add({ name: options.streams.deadLetters, subjects, max_msg_size: 5_000 });
      const { letters } = await processorOn(options);
      const jetStream = (await connectionTo(url)).jetstream();
      await jetStream.publish(`${options.subjectPrefix}.interactions.blue`, Buffer.alloc(300_000));
      const [letter] = (await nextBatch(letters, 1)).messages;
      expect(letter?.headers).toMatchObject({ 'dlq-reason': 'too_large', 'dlq-original-length': '300000' });
      expect(letter?.body.byteLength).toBeGreaterThan(3_000);
      expect(letter?.body.byteLength).toBeLessThan(5_000);
    });

    it('of a subject that names no tenant go to the default one, however long it is', async () => {
      const { url } = await startNats({ version });
      const options = optionsFor(url);
      const { letters, acknowledged } = await processorOn(options);
      const jetStream = (await connectionTo(url)).jetstream();
      const body = '{"agent_a":"a","agent_b":"b","outcome":"success"}';
      const tenants = ['a%b', 'é', 'x'.repeat(3_900)];
      for (const tenant of tenants)
        await jetStream.publish(`${options.subjectPrefix}.interactions.${tenant}`, body);
      const found: SourceMessage[] = [];
      while (found.length < tenants.length) found.push(...(await nextBatch(letters, 10)).messages);
      for (const letter of found) {
        expect(letter).toMatchObject({ tenant: 'default', headers: { 'dlq-reason': 'invalid_event' } });
        expect(letter.headers['dlq-detail']).toMatch(/^subject names a tenant that must be 1 to 64 of/);
      }
      await until('all are acknowledged', async () => (await acknowledged()) === tenants.length);
    });

    it('that this user may not publish are tried again, with a line that says what to grant', async () => {
      const { url } = await startNats({
        version,
        config: `authorization { users: [ { user: a, password: a, permissions: {
          publish: { deny: ["*.trust.dead-letters.>"] } } } ] }`,
      });
      const options = optionsFor(url, { user: 'a', password: 'a' });
      const { troubles, acknowledged } = await processorOn(options);
      const jetStream = (await connectionTo(url, { user: 'a', pass: 'a' })).jetstream();
      await jetStream.publish(`${options.subjectPrefix}.interactions.blue`, '{');
      await until('the trouble is told', async () => troubles.length > 0);
      expect(troubles).toEqual([
        expect.stringMatching(
          /publish to \S+\.dead-letters\.blue\.invalid_json: Permissions Violation for Publish to "\S+": grant it/,
        ),
      ]);
      expect(await acknowledged()).toBe(0);
    });
  },
  { own: true },
);
