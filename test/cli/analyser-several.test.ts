import { beforeAll, expect, it } from 'vitest';
import { analysedFleets, completedIn } from '../helpers/analysed.js';
import { handingOver, idsOfLoop, pairOf, type Talk } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

/** What was read by one that is gone soon goes to another. */
const soon = ['--set', 'nats.ackWaitSeconds=1', '--set', 'kafka.sessionTimeoutMs=2000'];
const answered = /: ping_pong, /;

const talkOf = (name: string): Talk => ({ agents: ['planner', name], id: name });

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `two analysers on ${source}`, () => {
    const given = analysedFleets(source);
    let transcripts: readonly string[] = [];
    beforeAll(async () => {
      transcripts = ['--transcripts', (await startRedis()).url];
    });

    it('share what was said in a Redis of its own, and the questions; one is killed, and nothing is lost', async () => {
      const fleet = await given.fleet('several');
      Object.assign(fleet.environment, { FULCRUM_KAFKA_PARTITIONS: '2' });
      const { foreign } = fleet;
      const startOne = () => fleet.analyser(...transcripts, ...soon);
      const nothingWaits = (channel: 'interactions' | 'circuits') =>
        until(`all ${channel} are acknowledged`, async () => (await foreign.unacknowledged(channel)) === 0);
      const [, first] = await Promise.all([fleet.process(), startOne()]);
      const analyses = await foreign.listen('analyses');
      const foundOf = async (talk: Talk) => {
        const { event } = await completedIn(analyses, (data) => data.pair_id === pairOf(talk).pairId);
        return event.data.evidence[0]?.event_ids;
      };

      // The first keeps one half alone.
      const halved = talkOf('halved');
      await fleet.say(halved, handingOver(halved).slice(0, 9));
      await nothingWaits('interactions');
      const second = await startOne();
      await fleet.say(halved, handingOver(halved).slice(9));
      expect(await foundOf(halved)).toEqual(idsOfLoop('halved'));

      // Until each has answered.
      for (let i = 0; !(answered.test(first.stderr) && answered.test(second.stderr)); i++) {
        expect(i).toBeLessThan(40);
        const talk = talkOf(`shared-${i}`);
        await fleet.say(talk, handingOver(talk));
        expect(await foundOf(talk)).toEqual(idsOfLoop(`shared-${i}`));
      }

      const talks = Array.from({ length: 8 }, (_, i) => talkOf(`killed-${i}`));
      await Promise.all(talks.map((talk) => fleet.say(talk, handingOver(talk))));
      expect((await first.kill('SIGKILL')).code).toBeNull();
      expect(await Promise.all(talks.map(foundOf))).toEqual(talks.map(({ id = '' }) => idsOfLoop(id)));
      await nothingWaits('interactions');
      await nothingWaits('circuits');
      expect((await second.kill('SIGTERM')).code).toBe(0);
    });
  });
