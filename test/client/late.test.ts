import { describe, expect, it } from 'vitest';
import { FulcrumError, TrustValueError } from '../../src/client/index.js';
import { commandLine } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { freePort } from '../servers/loopback.js';
import { startNats } from '../servers/nats.js';
import { until } from '../servers/until.js';
import { connected, next } from './contract.js';

describe('a client that begins without its server', () => {
  const command = commandLine();

  it('keeps reports and says that it is blind, until the server is there', async () => {
    const port = await freePort();
    const told: string[] = [];
    const begin = new Date();
    const client = await connected({
      http: `http://127.0.0.1:${port}`,
      whenStale: 'failClosed',
      requireServer: false,
      onStatus: (line) => told.push(line),
    });
    expect(client.circuits.staleSince?.getTime()).toBeGreaterThanOrEqual(begin.getTime());
    expect(client.circuits.isOpen('ann', 'bob')).toBe(true);
    await client.report('ann', 'bob', 'failure', { weight: 5 });
    await expect(client.flush({ withinMs: 200 })).rejects.toMatchObject({
      code: 'unavailable',
      message: '1 reports are not sent after 200 ms',
    });
    expect(told).toEqual([expect.stringContaining('reports wait: no answer from')]);
    const opened = next(client, 'opened');
    await command.up(command.fresh(), ['--port', String(port)]);
    await opened;
    await until('it sees', async () => client.circuits.trusted);
    expect(client.circuits.isOpen('ann', 'eve')).toBe(false);
    await client.flush();
    expect(told.at(-1)).toBe('reports are sent again');
  });

  describeWithServer('nats', 'that is a broker', () => {
    it('connects to it when it is there, and can be closed before', async () => {
      const port = await freePort();
      const options = {
        nats: `nats://127.0.0.1:${port}`,
        whenStale: 'failOpen',
        requireServer: false,
      } as const;
      const [client, given] = [await connected(options), await connected(options)];
      void client.report('ann', 'bob', 'success');
      expect(client.circuits.trusted).toBe(false);
      await given.close();
      const fresh = next(client, 'fresh');
      await startNats({ port });
      await fresh;
      await client.flush();
      expect(client.counts).toMatchObject({ sent: 1, buffered: 0 });
    });
  });

  it('says how many reports are lost when it is closed, and refuses later ones', async () => {
    const http = `http://127.0.0.1:${await freePort()}`;
    const client = await connected({ http, whenStale: 'failOpen', requireServer: false });
    void client.report('ann', 'bob', 'success');
    await expect(client.close({ withinMs: 50 })).rejects.toThrow('1 reports are not sent after 50 ms');
    await client.closed;
    expect(() => client.report('ann', 'bob', 'success')).toThrow(FulcrumError);
    await expect(client.guard('ann', 'bob', async () => ({}))).rejects.toMatchObject({ code: 'closed' });
    expect(client.circuits.isOpen('ann', 'bob')).toBe(false);
  });

  it('refuses bad values at the call, before anything is sent', async () => {
    const http = `http://127.0.0.1:${await freePort()}`;
    const client = await connected({ http, whenStale: 'failOpen', requireServer: false });
    expect(() => client.report('', 'bob', 'success')).toThrow(TrustValueError);
    expect(() => client.report('ann', 'bob', 'fine' as never)).toThrow(/outcome must be one of/);
    expect(() => client.report('ann', 'bob', 'success', { weight: 0 })).toThrow(/weight/);
    expect(() => client.circuits.isOpen('', 'bob')).toThrow(/agentA/);
    expect(() => client.circuits.on('open' as never, () => {})).toThrow(/there is no open, only opened/);
    await expect(client.guard('ann', 'b\n', async () => ({}))).rejects.toThrow(/agentB/);
    let called = false;
    const badOptions = client.guard(
      'ann',
      'bob',
      async () => {
        called = true;
        return {};
      },
      { weight: -1 },
    );
    await expect(badOptions).rejects.toThrow(/weight/);
    expect(called).toBe(false);
    expect(client.counts).toMatchObject({ buffered: 0, refused: 0 });
  });
});
