import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
import { NatsBroker } from '../../../src/streams/nats/broker.js';
import type { NatsOptions } from '../../../src/streams/nats/options.js';
import { freshPaths } from '../../helpers/folders.js';
import { makeCertificates, opensslIsThere } from '../../servers/certificates.js';
import { describeWithNats } from '../../servers/describe.js';
import { freePort, loopback } from '../../servers/loopback.js';
import { startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import { brokerOf, message, optionsFor, readTexts, textsOf } from './given.js';
import { makeNkey, makeOperator } from './nkeys.js';

const fresh = freshPaths();

function file(content: string): string {
  const path = fresh();
  writeFileSync(path, content);
  return path;
}

/** Publishes and reads a message. */
async function works(options: NatsOptions): Promise<void> {
  const broker = await brokerOf(options);
  await broker.sink.publish([message('a')]);
  expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
}

const refused = (options: NatsOptions) => expect(NatsBroker.connect(options)).rejects;

describeWithNats(
  'connecting to NATS',
  (version) => {
    it('logs in with user and password, in the options or the address', async () => {
      const { url, host, port } = await startNats({
        version,
        config: 'authorization { user: ann, password: "s:cret" }',
      });
      await works(optionsFor(url, { user: 'ann', password: 's:cret' }));
      await works(optionsFor(`nats://ann:s%3Acret@${host}:${port}`));
      const denied = {
        code: 'denied',
        message: expect.stringMatching(
          new RegExp(`^nats at ${host}:${port} refuses the credentials \\(.*\\): check nats\\.user`),
        ),
      };
      await refused(optionsFor(url, { user: 'ann', password: 'wrong' })).toMatchObject(denied);
      await refused(optionsFor(`nats://ann:wrong@${host}:${port}`)).toMatchObject(denied);
      await refused(optionsFor(url)).toMatchObject(denied);
    });

    it('logs in with a token', async () => {
      const { url } = await startNats({ version, config: 'authorization { token: "t0ken" }' });
      await works(optionsFor(url, { token: 't0ken' }));
      await refused(optionsFor(url, { token: 'wrong' })).toMatchObject({ code: 'denied' });
    });

    it('logs in with an nkey', async () => {
      const { publicKey, seed } = makeNkey('user');
      const { url } = await startNats({
        version,
        config: `authorization { users: [ { nkey: ${publicKey} } ] }`,
      });
      await works(optionsFor(url, { nkeySeedFile: file(`${seed}\n`) }));
      await refused(optionsFor(url, { nkeySeedFile: file(makeNkey('user').seed) })).toMatchObject({
        code: 'denied',
      });
    });

    it('logs in with a creds file', async () => {
      const { config, creds } = makeOperator();
      const { url } = await startNats({ version, config });
      await works(optionsFor(url, { credsFile: file(creds) }));
      await refused(optionsFor(url, { credsFile: file(makeOperator().creds) })).toMatchObject({
        code: 'denied',
      });
    });

    it('waits for a server that refuses the credentials after a restart, and says so once', async () => {
      const port = await freePort();
      const dir = fresh();
      const start = (password: string) =>
        startNats({ version, port, dir, config: `authorization { user: ann, password: ${password} }` });
      const first = await start('one');
      const lines: string[] = [];
      const options = optionsFor(first.url, { user: 'ann', password: 'one' });
      const broker = await brokerOf(options, (line, level) => lines.push(`${level}: ${line}`));
      await broker.sink.publish([message('a')]);
      await first.stop();
      const second = await start('two');
      await until('the refusal is told', async () => lines.some((line) => line.startsWith('error')));
      await second.stop();
      await start('one');
      await until('it is back', async () => lines.some((line) => line.startsWith('info')));
      const name = `nats at ${loopback}:${port}`;
      expect(lines).toEqual([
        `warn: ${name} is lost: trying again until it is back`,
        `error: ${name} refuses the credentials: trying again until it takes them`,
        expect.stringContaining('is back after'),
      ]);
      expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
    });

    it.runIf(opensslIsThere())('speaks TLS', async () => {
      const [folder, otherFolder] = [fresh(), fresh()];
      for (const path of [folder, otherFolder]) mkdirSync(path);
      const tls = makeCertificates(folder);
      const { url, port } = await startNats({ version, tls });
      const noFiles = { caFile: tls.ca, certFile: null, keyFile: null };
      await works(optionsFor(url, { tls: noFiles }));
      await works(optionsFor(`tls://localhost:${port}`, { tls: noFiles }));
      const distrusted = {
        code: 'denied',
        message: expect.stringMatching(/^nats at \S+ fails at TLS \(.*\): check nats\.tls/),
      };
      await refused(optionsFor(url)).toMatchObject(distrusted);
      const otherCa = makeCertificates(otherFolder).ca;
      await refused(optionsFor(url, { tls: { ...noFiles, caFile: otherCa } })).toMatchObject(distrusted);
    });

    it.runIf(opensslIsThere())('shows a certificate of its own where the server asks for one', async () => {
      const folder = fresh();
      mkdirSync(folder);
      const { ca, cert, key } = makeCertificates(folder);
      const { url } = await startNats({
        version,
        config: `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${ca}", verify: true }`,
      });
      await works(optionsFor(url, { tls: { caFile: ca, certFile: cert, keyFile: key } }));
      // The client waits for 5 s: once is enough.
      if (version === '2.9') return;
      await refused(optionsFor(url, { tls: { caFile: ca, certFile: null, keyFile: null } })).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('nats.tls if it asks for a certificate'),
      });
    });

    it('refuses to speak without TLS where TLS is asked for', async () => {
      const { url, port } = await startNats({ version, own: true });
      const plain = { code: 'denied', message: expect.stringContaining('offers no TLS') };
      await refused(optionsFor(`tls://127.0.0.1:${port}`)).toMatchObject(plain);
      const tls = { caFile: null, certFile: null, keyFile: null };
      await refused(optionsFor(url, { tls })).toMatchObject(plain);
    });

    it('takes the first of several servers that is there', async () => {
      const { url } = await startNats({ version });
      await works({ ...optionsFor(url), servers: [`nats://${loopback}:${await freePort()}`, url] });
    });

    it('says what this user may not do', async () => {
      const { url } = await startNats({
        version,
        config: `authorization { users: [
          { user: all, password: all },
          { user: reader, password: reader, permissions: { publish: { deny: ["*.trust.circuits.>", "$JS.ACK.>"] } } },
          { user: agent, password: agent, permissions: { publish: ["*.trust.interactions.>"] } }
        ] }`,
      });
      const options = optionsFor(url);
      const as = (user: string): NatsOptions => ({ ...options, user, password: user });
      const all = await brokerOf(as('all'));
      await all.sink.publish([message('a'), message('b', { channel: 'circuits' })]);
      const reader = await brokerOf(as('reader'));
      await expect(reader.sink.publish([message('c', { channel: 'circuits' })])).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(
          /Permissions Violation for Publish to "\S+circuits\S+": grant it to this user/,
        ),
      });
      const source = await reader.consume('interactions');
      await (await source.read(1, 10_000))?.ack();
      const refusal = await until('the refusal comes', () =>
        source.read(1, 10).then(
          () => false as const,
          (error: unknown) => error,
        ),
      );
      expect(refusal).toMatchObject({
        code: 'denied',
        message: expect.stringContaining('may not publish to $JS.ACK.'),
      });
      // One who may only publish can do this, though not look at the stream.
      const agent = await brokerOf(as('agent'));
      await agent.sink.publish([message('d')]);
      await expect(agent.consume('interactions')).rejects.toMatchObject({ code: 'denied' });
    });

    it('reads on when it may hear the server again', async () => {
      const file = fresh();
      // Read again by the server when it is told to; its path is seen from a folder beside the server's own.
      const included = relative(join(tmpdir(), 'of-the-server'), file);
      const allow = (subjects: string): void =>
        writeFileSync(
          file,
          `authorization { users: [ { user: a, password: a, permissions: { subscribe: ${subjects} } },
            { user: b, password: b } ] }`,
        );
      allow('{ allow: [">"] }');
      const server = await startNats({ version, config: `include "${included}"` });
      const options = optionsFor(server.url, { user: 'a', password: 'a' });
      const source = await (await brokerOf(options)).consume('interactions');
      const { sink } = await brokerOf({ ...options, user: 'b', password: 'b' });
      const read = () => source.read(10, 100).then(textsOf, (error: FulcrumError) => error.code);
      expect(await read()).toEqual([]);
      allow('{ deny: ["_INBOX.>"] }');
      server.signal('SIGHUP');
      await until('the refusal is told', async () => (await read()) === 'denied');
      allow('{ allow: [">"] }');
      server.signal('SIGHUP');
      // While nats-server 2.9 reads its file again, its accounts are without JetStream for a moment.
      await until('the server takes it', async () => {
        try {
          await sink.publish([message('a')]);
          return true;
        } catch (error) {
          if (error instanceof FulcrumError && error.code === 'unavailable') return false;
          throw error;
        }
      });
      await until('it reads again', async () => String(await read()) === 'a');
    });
  },
  { own: true },
);

describe('connecting to what is no NATS server', () => {
  it('names a host that is unknown', async () => {
    await refused(optionsFor('nats://nobody.invalid:4222')).toMatchObject({
      code: 'unavailable',
      message: 'nats at nobody.invalid:4222 is an unknown host: check nats.servers',
    });
  });

  it('names a server that nobody runs', async () => {
    const port = await freePort();
    await refused(optionsFor(`nats://${loopback}:${port}`)).toMatchObject({
      code: 'unavailable',
      message: `nats at 127.0.0.1:${port} refuses the connection: start it, or check nats.servers`,
    });
  });

  it('gives up on one that says nothing', async () => {
    const silent = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, loopback, resolve));
    onTestFinished(() => void silent.close());
    await refused(optionsFor(`nats://${loopback}:${port}`)).toMatchObject({
      code: 'unavailable',
      message: `nats at 127.0.0.1:${port} does not answer: check nats.servers, and nats.tls if it asks for a certificate`,
    });
  });

  it.each([
    [
      'an address of another kind',
      { servers: ['http://127.0.0.1:4222'] },
      'nats.servers: each must be nats://',
    ],
    [
      'a password that is not encoded',
      { servers: ['nats://ann:50%@127.0.0.1:4222'] },
      'nats.servers: each must be nats://host:port or tls://host:port, a % in user or password written %25',
    ],
    ['no address', { servers: [] }, 'nats.servers "": must name at least one server'],
    [
      'a file that is not there',
      { credsFile: join('/', 'nowhere', 'x') },
      'nats.credsFile /nowhere/x cannot be read',
    ],
    [
      'a certificate that is not there',
      { tls: { caFile: '/nowhere/ca', certFile: null, keyFile: null } },
      'nats.tls.caFile /nowhere/ca cannot be read',
    ],
    ['a prefix that is none', { subjectPrefix: 'a.>' }, 'nats.subjectPrefix "a.>": must be tokens'],
    [
      'a prefix that is somebody else’s',
      { subjectPrefix: 'fulcrum.audit' },
      'nats.subjectPrefix "fulcrum.audit": its subjects fulcrum.audit.interactions.* must not meet fulcrum.audit.>',
    ],
    ['a name that a server does not take', { durable: 'a b' }, 'nats.durable "a b": must have no space'],
    [
      'creds that are none',
      { credsFile: file('nothing') },
      /nats\.credsFile \S+ holds no credentials of NATS/,
    ],
    [
      'a seed that is none',
      { nkeySeedFile: file('SUAB') },
      /nats\.nkeySeedFile \S+ holds no credentials of NATS/,
    ],
  ])('refuses %s', async (_, given, error) => {
    const connecting = NatsBroker.connect(optionsFor(`nats://${loopback}:${await freePort()}`, given));
    await expect(connecting).rejects.toMatchObject({ code: 'config' });
    await expect(connecting).rejects.toThrow(error);
  });
});
