import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { analysisId } from '../../src/events/analysis.js';
import { type AnalysedFleet, analysedFleets, completedIn } from '../helpers/analysed.js';
import { handingOver, pairOf } from '../helpers/talk.js';
import { complete, fakeEndpoint } from '../rlm/model/fake-endpoint.js';
import { describeWithServer } from '../servers/describe.js';
import { until } from '../servers/until.js';

const talk = { agents: ['planner', 'coder'] } as const;
const { tenant, pairId } = pairOf(talk);
const id = analysisId(tenant, pairId, 'why');

/** What was read by one that is gone soon goes to another. */
const soon = ['--set', 'nats.ackWaitSeconds=1', '--set', 'kafka.sessionTimeoutMs=2000'];

const program = `\`\`\`js
updateAnswer({ verdict: "ping_pong", confidence: 0.9, summary: "They hand the invoice to and fro.",
  evidence: [{ handle: handles()[0], turns: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] }] });
\`\`\``;

/** A model whose first answer waits: an analysis is under way for as long as a test wants. */
async function waitingModel() {
  let asked = (): void => {};
  let answer = (): void => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { url } = await fakeEndpoint((_, index) =>
    index > 0
      ? program
      : (request, response) => {
          answer = () => complete(request, response, program);
          asked();
        },
  );
  return { flags: ['--model', 'small', '--model-url', url], isAsked, answer: () => answer() };
}

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    ['redis', source],
    `an analyser on ${source}, in the middle of an analysis`,
    () => {
      const given = analysedFleets(source, { own: true });

      /** Starts an analyser and waits until the model is asked why the pair tripped. */
      async function underWay(
        fleet: AnalysedFleet,
        model: Awaited<ReturnType<typeof waitingModel>>,
        flags: readonly string[] = soon,
      ) {
        const analyser = await fleet.analyser(...model.flags, ...flags);
        const analyses = await fleet.foreign.listen('analyses');
        await fleet.say(talk, handingOver(talk));
        await fleet.ask(talk, 'why');
        await model.isAsked;
        return { analyser, analyses };
      }

      const allAcknowledged = ({ foreign }: AnalysedFleet) =>
        until('all is acknowledged', async () => (await foreign.unacknowledged('analyses')) === 0);

      it('is killed, and the next one answers', async () => {
        const [fleet, model] = [await given.fleet('killed'), await waitingModel()];
        const { analyser, analyses } = await underWay(fleet, model);
        expect((await analyser.kill('SIGKILL')).code).toBeNull();
        await fleet.analyser(...model.flags, ...soon);
        const { event } = await completedIn(analyses);
        expect(event).toMatchObject({ id, data: { asked_by: 'why', verdict: 'ping_pong' } });
        expect(event.data.tokens).toBeGreaterThan(0);
        await allAcknowledged(fleet);
        expect(analyses.found.filter(({ body }) => body.includes(id))).toHaveLength(1);
      });

      it('is killed when it has published, and the next one publishes under the same id, and keeps it', async () => {
        const [fleet, model] = [await given.fleet('published'), await waitingModel()];
        const redis = new Redis(given.redisServer.url);
        onTestFinished(() => redis.disconnect());
        const kept = async () => (await redis.keys(`published:*:analysis:${tenant}:${pairId}`)).length;
        const { analyser, analyses } = await underWay(fleet, model);
        given.redisServer.signal('SIGSTOP');
        try {
          model.answer();
          await completedIn(analyses);
          await analyser.kill('SIGKILL');
        } finally {
          given.redisServer.signal('SIGCONT');
        }
        await fleet.analyser(...model.flags, ...soon);
        await until('it is kept', async () => (await kept()) === 1);
        await allAcknowledged(fleet);
        await fleet.ask(talk, 'again');
        await completedIn(analyses, ({ asked_by }) => asked_by === 'again');
        // JetStream drops what comes again under one id.
        const copies = analyses.found.filter(({ body }) => body.includes(id));
        expect(copies).toHaveLength(source === 'nats' ? 1 : 2);
      });

      it('is told to stop, and finishes it', async () => {
        const [fleet, model] = [await given.fleet('stopped'), await waitingModel()];
        const { analyser, analyses } = await underWay(fleet, model, []);
        const ended = analyser.kill('SIGTERM');
        await analyser.prints('stderr', /stopping: finishing what was taken/);
        model.answer();
        expect((await ended).code).toBe(0);
        await completedIn(analyses, (data) => data.id === id);
        // The result itself may be left: whoever comes passes it over.
        expect(await fleet.foreign.unacknowledged('analyses')).toBeLessThanOrEqual(1);
      });
    },
    { own: true },
  );
