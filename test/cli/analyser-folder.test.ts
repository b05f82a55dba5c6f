import { expect, it } from 'vitest';
import { analysedFleets, completedIn } from '../helpers/analysed.js';
import { handingOver, idsOfLoop } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';

const talk = { agents: ['planner', 'coder'] } as const;

describeWithServer(['redis', 'nats'], 'two analysers of one folder of transcripts', () => {
  const given = analysedFleets('nats');

  it('are one: the second is told what to do instead and ends, and the first misses nothing', async () => {
    const fleet = await given.fleet('folder');
    const [first] = await Promise.all([fleet.analyser(), fleet.process()]);
    const second = await fleet.run('analyze', ...given.broker, ...given.redis);
    expect(second.code).toBe(6);
    expect(second.stderr).toMatch(
      /is in use by another process\. Stop it first, or keep transcripts in a Redis that all share \(--transcripts /,
    );
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    const { event } = await completedIn(analyses);
    expect(event.data.evidence[0]?.event_ids).toEqual(idsOfLoop());
    expect((await first.kill('SIGTERM')).code).toBe(0);
  });
});
