import { expect, it } from 'vitest';
import { connectFleet } from '../../src/client/index.js';
import { NatsBroker } from '../../src/streams/nats/broker.js';
import { defaultNatsOptions } from '../../src/streams/nats/options.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { runProcessor } from './running.js';

describeWithServer('nats', 'a client on NATS', () => {
  it('hears of circuits that its reports open', async () => {
    const { url } = await startNats({ own: true });
    const processor = await runProcessor(await NatsBroker.connect({ ...defaultNatsOptions, servers: [url] }));
    const fleet = await connectFleet({ nats: url, whenStale: 'failOpen' });
    expect(fleet.circuits.isOpen('ann', 'bob')).toBe(false);
    const opened = new Promise((resolve) => fleet.circuits.on('opened', resolve));
    void fleet.report('ann', 'bob', 'failure', { content: 'no', weight: 3 });
    console.log(await opened, fleet.counts);
    expect(fleet.circuits.isOpen('bob', 'ann')).toBe(true);
    await expect(fleet.guard('ann', 'bob', async () => ({ a: 1 }))).rejects.toThrow('score');
    await fleet.close();
    await processor.stop();
  });
});
