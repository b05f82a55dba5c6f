import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificates, opensslIsThere } from './certificates.js';
import { describeWithNats } from './describe.js';
import { startNats } from './nats.js';

describeWithNats(
  'a NATS server of a test',
  (version) => {
    test('comes up, and comes back after a crash with its streams', async () => {
      const server = await startNats({ version, own: true });
      const before = await connection({ servers: server.url });
      const manager = await before.jetstreamManager();
      await manager.streams.add({ name: 'AGENTS', subjects: ['agents.>'] });
      await before.jetstream().publish('agents.ann');
      await before.close();
      await server.kill();
      await server.restart();
      const after = await connection({ servers: server.url });
      const { state } = await (await after.jetstreamManager()).streams.info('AGENTS');
      expect(state.messages).toBe(1);
      expect(server.version).toMatch(version === '2.9' ? /^2\.9\./ : /^2\.(1\d|[2-9]\d)\./);
    });

    test('takes a configuration', async () => {
      const { url } = await startNats({ version, config: 'authorization { user: ann, password: secret }' });
      await connection({ servers: url, user: 'ann', pass: 'secret' });
      await expect(connect({ servers: url })).rejects.toThrow(/authorization/i);
    });

    test.runIf(opensslIsThere())('speaks TLS under a certificate of our authority', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const tls = makeCertificates(folder);
      const { url } = await startNats({ version, tls });
      const opened = await connection({ servers: url, tls: { caFile: tls.ca } });
      await opened.flush();
      expect(opened.info?.tls_required).toBe(true);
    });
  },
  { own: true },
);

describeWithNats('the NATS server that the tests use', (version) => {
  test('has JetStream', async () => {
    const { url, stop } = await startNats({ version });
    const manager = await (await connection({ servers: url })).jetstreamManager();
    expect((await manager.getAccountInfo()).limits.max_streams).toBeDefined();
    await stop();
  });
});

async function connection(options: ConnectionOptions): Promise<NatsConnection> {
  const opened = await connect(options);
  onTestFinished(() => opened.close());
  return opened;
}
