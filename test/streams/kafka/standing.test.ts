import { expect, it } from 'vitest';
import { describeWithServer } from '../../servers/describe.js';
import { until } from '../../servers/until.js';
import { GivenKafka, numbers, publishTexts, readMessages } from './given.js';

describeWithServer('kafka', 'where the processors of a Kafka topic stand', () => {
  const given = new GivenKafka();

  it('is seen from outside: nowhere, then behind what they have committed', async () => {
    const options = given.options();
    const [processor, outside] = [await given.connect(options), await given.connect(options)];
    await publishTexts(outside, numbers(0, 3), 'commands');
    expect(await outside.standing('commands')).toEqual([]);
    const source = await processor.consume('commands');
    const [log = ''] = source.logs();
    await readMessages(source, 3);
    await until('all are committed', async () => {
      const [standing] = await outside.standing('commands');
      return standing?.acknowledged === 3;
    });
    await publishTexts(outside, ['more'], 'commands');
    expect(await outside.standing('commands')).toMatchObject([{ source: log, last: 4 }]);
  });

  it('is nowhere where there is no topic yet, and asking makes none', async () => {
    const options = given.options();
    const outside = await given.connect(options);
    expect(await outside.standing('interactions')).toEqual([]);
    expect(await outside.standing('circuits', 'analysers')).toEqual([]);
    const admin = await given.admin();
    expect(await admin.listTopics()).not.toContain(options.topics.interactions);
  });
});
