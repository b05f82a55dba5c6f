import { expect, it } from 'vitest';
import { analysisDataSchema } from '../../src/events/schemas.js';
import { analysedFleets, completedIn } from '../helpers/analysed.js';
import { getFrom, postTo } from '../helpers/http.js';
import { handingOver, idsOfLoop } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';
import { until } from '../servers/until.js';

const talk = { agents: ['planner', 'coder'] } as const;
const pair = { agent_a: 'planner', agent_b: 'coder' };
const analyses = '/v1/analyses?agent_a=planner&agent_b=coder';

/** The last analysis of the pair, when it is this one. */
const analysisAt = (url: string, id: string) =>
  until('the analysis is there', async () => {
    const { status, body } = await getFrom(url, analyses);
    if (status !== 200) return false;
    const data = analysisDataSchema.parse(body['analysis']);
    return data.id === id && data;
  });

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `\`up\` on ${source}`, () => {
    const given = analysedFleets(source);

    it('keeps in its folder what analysers find, be it while it is away, and shows it in `state`', async () => {
      const fleet = await given.fleet('beside');
      const data = given.commands.fresh();
      // No Redis: what it finds is on the broker alone.
      const analyser = given.commands.start(['analyze', ...given.broker, '--json'], {
        environment: fleet.environment,
      });
      const [up] = await Promise.all([fleet.up('--data', data), analyser.prints('stdout', /\n/)]);
      const published = await fleet.foreign.listen('analyses');
      await postTo(up.url, '/v1/interactions', handingOver(talk));
      const { event } = await completedIn(published);
      expect(await analysisAt(up.url, event.id)).toEqual(event.data);
      expect(event.data.evidence[0]?.event_ids).toEqual(idsOfLoop());
      const { stdout } = await fleet.run('state', 'planner', 'coder', '--url', up.url);
      expect(stdout).toMatch(/^ {2}analysis +ping_pong /m);

      expect((await up.kill('SIGTERM')).code).toBe(0);
      await fleet.ask(talk, 'meanwhile');
      const { event: later } = await completedIn(published, ({ asked_by }) => asked_by === 'meanwhile');
      const again = await fleet.up('--data', data);
      expect(await analysisAt(again.url, later.id)).toEqual(later.data);
    });

    it('answers who asks for an analysis by what the analysers say', async () => {
      const fleet = await given.fleet('asks');
      const [{ url }] = await Promise.all([fleet.up('--data', given.commands.fresh()), fleet.analyser()]);
      await postTo(url, '/v1/interactions', handingOver(talk));
      const { status, body } = await postTo(url, '/v1/analyses', { ...pair, id: 'why' });
      expect(status).toBe(200);
      const data = analysisDataSchema.parse(body['analysis']);
      expect(data).toMatchObject({ id: body['id'], asked_by: 'why', verdict: 'ping_pong' });
      expect(await analysisAt(url, data.id)).toEqual(data);
    });

    it('is an analyser itself where the config says so, with the state in Redis too', async () => {
      const fleet = await given.fleet('itself');
      const { url } = await fleet.up(...given.redis, '--set', 'analysis.enabled=true');
      await postTo(url, '/v1/interactions', handingOver(talk));
      const { body } = await postTo(url, '/v1/analyses', pair);
      expect(body['analysis']).toMatchObject({
        verdict: 'ping_pong',
        evidence: [{ event_ids: idsOfLoop() }],
      });
      const { stdout } = await fleet.run('state', 'planner', 'coder', '--json', ...given.redis);
      expect(JSON.parse(stdout)).toMatchObject({ analysis: { result: { verdict: 'ping_pong' } } });
    });
  });
