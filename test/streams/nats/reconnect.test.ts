import { cpSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { freshPaths } from '../../helpers/folders.js';
import { describeWithNats } from '../../servers/describe.js';
import { type NatsServer, startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import {
  brokerOf,
  connectionTo,
  message,
  messages,
  nextBatch,
  numbers,
  optionsFor,
  readTexts,
  textsOf,
} from './given.js';

const fresh = freshPaths();
const away = { code: 'unavailable' };

describeWithNats(
  'a NATS server that crashes and comes back',
  (version) => {
    const start = (): Promise<NatsServer> => startNats({ version, own: true });

    it('loses nothing of what is read together', async () => {
      const server = await start();
      const options = optionsFor(server.url, { ackWaitSeconds: 2 });
      const lines: string[] = [];
      const broker = await brokerOf(options, (line, level) => lines.push(`${level}: ${line}`));
      await broker.sink.publish(messages(1_000));
      const source = await broker.consume('interactions');
      const texts = await readTexts(source, 300, 50);
      const held = await nextBatch(source, 50);
      const name = `nats at 127.0.0.1:${server.port}`;
      await server.kill();
      await until('the loss is noticed', async () => lines.length > 0);
      await expect(source.read(50, 60_000)).rejects.toMatchObject({
        ...away,
        message: `${name}: the connection is lost and tried again by itself`,
      });
      await expect(async () => held.ack()).rejects.toMatchObject(away);
      await expect(source.progress()).rejects.toMatchObject(away);
      await expect(broker.sink.publish([message('x')])).rejects.toMatchObject(away);
      await server.restart();
      await until('it is back', async () => lines.length > 1);
      await held.ack();
      texts.push(...(textsOf(held) ?? []));
      await broker.sink.publish(messages(100, {}, 1_001));
      while (new Set(texts).size < 1_100) texts.push(...(await readTexts(source, 1, 200)));
      expect(new Set(texts)).toEqual(new Set(numbers(1, 1_100)));
      await until('all is acknowledged', async () => {
        await (await source.read(200, 10))?.ack();
        return (await source.progress())[0]?.acknowledged === 1_100;
      });
      expect(lines).toEqual([
        `warn: ${name} is lost: trying again until it is back`,
        expect.stringMatching(/^info: nats at 127\.0\.0\.1:\d+ is back after \d+\.\d s$/),
      ]);
    });

    it('rejects a read that is under way, and goes on with the next', async () => {
      const server = await start();
      const broker = await brokerOf(optionsFor(server.url));
      const source = await broker.consume('interactions');
      const rejected = expect(source.read(10, 60_000)).rejects.toMatchObject(away);
      await server.kill();
      await rejected;
      await server.restart();
      await until('it takes messages again', async () => {
        await broker.sink.publish([message('a')]);
        return true;
      });
      expect(await readTexts(source, 1)).toEqual(['a']);
    });

    it('rejects what is not yet acknowledged as soon as it is gone', async () => {
      const server = await start();
      const broker = await brokerOf(optionsFor(server.url));
      await broker.sink.publish([message('a')]);
      server.signal('SIGSTOP');
      const rejected = expect(broker.sink.publish(messages(500))).rejects.toMatchObject({
        ...away,
        message: expect.stringContaining('the connection is lost and tried again by itself'),
      });
      await server.kill();
      await rejected;
      await server.restart();
      await until('it takes messages again', async () => {
        await broker.sink.publish(messages(500));
        return true;
      });
    });

    it('makes neither gap nor repeat for who follows', async () => {
      const server = await start();
      const broker = await brokerOf(optionsFor(server.url));
      await broker.sink.publish(messages(500));
      const source = await broker.follow('interactions', 'start');
      const late = await broker.follow('interactions', 'now');
      const texts = await readTexts(source, 200, 50);
      await server.kill();
      await server.restart();
      texts.push(...(await readTexts(source, 300, 50)));
      await broker.sink.publish(messages(100, {}, 501));
      texts.push(...(await readTexts(source, 100, 50)));
      expect(texts).toEqual(numbers(1, 600));
      expect(await readTexts(late, 100)).toEqual(numbers(501, 600));
    });

    it('is refused when it comes back with another stream of the name', async () => {
      const server = await start();
      const options = optionsFor(server.url);
      const broker = await brokerOf(options);
      const source = await broker.consume('interactions');
      await broker.sink.publish(messages(10));
      await readTexts(source, 10);
      await server.stop();
      const other = await startNats({ version, port: server.port });
      await (await brokerOf(options)).sink.publish([message('a')]);
      await expect(nextBatch(source, 10)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('was made anew at'),
      });
      await other.stop();
    });

    it('is refused when it has lost the end of what was read', async () => {
      const [dir, backup] = [fresh(), fresh()];
      const server = await startNats({ version, dir });
      const broker = await brokerOf(optionsFor(server.url));
      const source = await broker.consume('interactions');
      await broker.sink.publish(messages(5));
      await readTexts(source, 5);
      await server.kill();
      cpSync(dir, backup, { recursive: true });
      await server.restart();
      await until('it takes messages again', async () => {
        await broker.sink.publish(messages(5, {}, 6));
        return true;
      });
      // What it had not kept of the acknowledgements comes again before.
      while (!(await readTexts(source, 1)).includes('10'));
      await server.kill();
      rmSync(dir, { recursive: true });
      cpSync(backup, dir, { recursive: true });
      await server.restart();
      await expect(nextBatch(source, 10)).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('ends at 5 and was read up to 10'),
      });
    });

    it('is closed while it is away', async () => {
      const server = await start();
      const broker = await brokerOf(optionsFor(server.url));
      const source = await broker.consume('interactions');
      await broker.sink.publish(messages(10));
      await nextBatch(source, 5);
      await server.kill();
      await broker.close();
      expect(await source.read(5, 0)).toBeNull();
    });

    it('leaves nobody waiting for an acknowledgement when it is closed', async () => {
      const server = await start();
      const broker = await brokerOf(optionsFor(server.url));
      await broker.sink.publish([message('a')]);
      server.signal('SIGSTOP');
      const began = performance.now();
      const rejected = expect(broker.sink.publish(messages(500))).rejects.toMatchObject({
        ...away,
        message: expect.stringContaining('the connection is closed'),
      });
      await broker.close();
      await rejected;
      // It waits for one second for what is still to be sent, and not for an answer, which has five.
      expect(performance.now() - began).toBeLessThan(4_000);
    });

    // What the client does with silence is the same for all versions.
    const silent = async (): Promise<void> => {
      const server = await start();
      const options = optionsFor(server.url);
      const broker = await brokerOf(options);
      const source = await broker.consume('interactions');
      server.signal('SIGSTOP');
      const silence = await until('it stands still', () =>
        source.progress().then(
          () => false as const,
          (error: unknown) => error,
        ),
      );
      expect(silence).toMatchObject({ ...away, message: expect.stringContaining('no answer within 5 s') });
      server.signal('SIGCONT');
      await (await connectionTo(server.url)).flush();
      await broker.sink.publish([message('a')]);
      expect(await readTexts(source, 1)).toEqual(['a']);
    };
    if (version === 'current') it('is asked again while it does not answer', silent);
  },
  { own: true },
);
