import { beforeAll, expect, it } from 'vitest';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import { brokerOf, message, messages, nextBatch, optionsFor } from './given.js';

describeWithNats('where the processors of a NATS stream stand', (version) => {
  let url = '';
  beforeAll(async () => {
    ({ url } = await startNats({ version }));
  });

  it('is seen from outside: nowhere, then behind what they have acknowledged', async () => {
    const options = optionsFor(url);
    const [processor, outside] = [await brokerOf(options), await brokerOf(options)];
    expect(await outside.standing('commands')).toEqual([]);
    await outside.sink.publish(messages(3, { channel: 'commands' }));
    expect(await outside.standing('commands')).toEqual([]);
    const source = await processor.consume('commands');
    const [log = ''] = source.logs();
    expect(await outside.standing('commands')).toEqual([
      { source: log, acknowledged: 0, delivered: 0, last: 3 },
    ]);
    const batch = await nextBatch(source, 2);
    await batch.ack();
    await until('two are acknowledged', async () => {
      const [standing] = await outside.standing('commands');
      return standing?.acknowledged === batch.messages.length;
    });
    await outside.sink.publish([message('more', { channel: 'commands' })]);
    expect(await outside.standing('commands')).toMatchObject([{ source: log, last: 4 }]);
  });
});
