import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { analysisDataSchema } from '../../src/events/schemas.js';
import { type AnalysedFleet, analysedFleets, completedIn } from '../helpers/analysed.js';
import { gettingOn, handingOver, idsOfLoop, pairOf } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';

const talk = { agents: ['planner', 'coder'] } as const;
const now = Date.now() / 1_000;
const [earlier, later] = [
  { ...talk, session: 'earlier', id: 'earlier', at: now - 120 },
  { ...talk, session: 'later', id: 'later', at: now - 60 },
];

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `\`analyze A B\` on ${source}`, () => {
    const given = analysedFleets(source);

    /** A fleet whose two agents went round in one session, and get on in another. */
    async function fleetOfTwoSessions(name: string): Promise<AnalysedFleet> {
      const fleet = await given.fleet(name);
      await fleet.analyser();
      await fleet.say(earlier, handingOver(earlier));
      await fleet.say(later, gettingOn(later));
      return fleet;
    }

    it('answers of the session that spoke last, or of one that is named, or that nothing is kept', async () => {
      const fleet = await fleetOfTwoSessions('asked');
      const analyze = (...args: string[]) => fleet.run('analyze', ...args, ...given.broker);
      const [last, named, shown, other, unknown] = await Promise.all([
        analyze('coder', 'planner', '--json'),
        analyze('planner', 'coder', '--session', 'earlier', '--json'),
        analyze('planner', 'coder', '--session', 'earlier'),
        analyze('planner', 'coder', '--session', 'never', '--json'),
        analyze('planner', 'nobody'),
      ]);
      expect(analysisDataSchema.parse(JSON.parse(last.stdout))).toMatchObject({
        ...{ tenant: 'default', agent_a: 'coder', agent_b: 'planner' },
        ...{ pair_id: pairOf(talk).pairId, session_id: 'later', verdict: 'none', would_close: true },
      });
      expect(analysisDataSchema.parse(JSON.parse(named.stdout))).toMatchObject({
        session_id: 'earlier',
        verdict: 'ping_pong',
        evidence: [{ event_ids: idsOfLoop('earlier') }],
      });
      expect(shown.stdout).toMatch(/^analysis-[0-9a-f]{32} {2}ping_pong {2}confidence 0\.\d\d, the circuit /);
      expect(shown.stdout).toMatch(
        /^ {2}ctx:\/\/earlier\/0000, turns 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14$/m,
      );
      expect(shown.stdout).toMatch(/^ {2}session earlier, analysed \d{4}-\d\d-\d\dT/m);
      expect(JSON.parse(other.stdout)).toMatchObject({
        session_id: null,
        verdict: 'inconclusive',
        summary: expect.stringContaining('nothing is kept of what the pair said in session never'),
      });
      expect(unknown.stdout).toContain('inconclusive');
      expect(unknown.stdout).toContain('nothing is kept of what the pair said.');
      expect([last, named, shown, other, unknown].map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    });

    it('asks through an `up` of the fleet too', async () => {
      const [fleet, { url }] = await Promise.all([
        fleetOfTwoSessions('through-up'),
        given.fleet('through-up').then(({ up }) => up('--data', given.commands.fresh())),
      ]);
      const { code, stdout } = await fleet.run(
        ...['analyze', 'planner', 'coder', '--session', 'earlier', '--json', '--url', url],
      );
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, verdict: 'ping_pong' });
    });

    it('asks where a config file says that the fleet is', async () => {
      await fleetOfTwoSessions('of-a-file');
      const file = `${given.commands.fresh()}.json`;
      const config = {
        nats: { subjectPrefix: 'of-a-file', streams: { analyses: 'of-a-file_ANALYSES' } },
        kafka: { topics: { analyses: 'of-a-file.ANALYSES' } },
      };
      writeFileSync(file, JSON.stringify(config));
      const { code, stdout } = await given.commands.run([
        ...['analyze', 'planner', 'coder', '--json', '--wait', '20', '--config', file, ...given.broker],
      ]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ session_id: 'later', verdict: 'none' });
    });

    it('says when nobody answers, and the request is answered by the analyser that comes', async () => {
      const fleet = await given.fleet('nobody');
      const { code, stdout, stderr } = await fleet.run(
        ...['analyze', 'planner', 'coder', '--json', '--wait', '0.1', ...given.broker],
      );
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain('no analysis came within 0.1 s: the request is kept');
      const analyses = await fleet.foreign.listen('analyses');
      const request = await analyses.first(({ body }) => JSON.parse(body) as { id: string });
      await fleet.analyser('--set', 'analysis.catchUpSeconds=1');
      const { event } = await completedIn(analyses);
      expect(event.data).toMatchObject({ asked_by: request.id, verdict: 'inconclusive' });
    });

    it('requests that are none become dead letters, and the next one is answered', async () => {
      const fleet = await given.fleet('refused');
      await fleet.analyser('--set', 'analysis.catchUpSeconds=1');
      const { foreign } = fleet;
      const to = pairOf(talk);
      const bad: Readonly<Record<string, string>> = {
        invalid_json: '{"agent_a":',
        invalid_event: JSON.stringify({ id: 'no-b', agent_a: 'planner' }),
        unsupported_type: JSON.stringify({
          ...{ specversion: '1.0', id: 'other', source: 'tests', type: 'fulcrum.trust.interaction.v1' },
          data: { agent_a: 'planner', agent_b: 'coder', outcome: 'failure' },
        }),
        too_large: JSON.stringify({
          ...{ id: 'large', agent_a: 'planner', agent_b: 'coder', note: 'x'.repeat(256 * 1024) },
        }),
        ...(source === 'nats'
          ? { tenant_mismatch: JSON.stringify({ tenant: 'blue', agent_a: 'planner', agent_b: 'coder' }) }
          : {}),
      };
      await foreign.send('analyses', to, ...Object.values(bad));
      await fleet.ask(talk, 'good');
      const analyses = await foreign.listen('analyses');
      expect((await completedIn(analyses)).event.data.asked_by).toBe('good');

      const letters = await foreign.listen('dead-letters');
      for (const [reason, body] of Object.entries(bad)) {
        const letter = await letters.first((one) => (one.headers['dlq-reason'] === reason ? one : null));
        expect(letter.headers['dlq-id']).toMatch(new RegExp(`^${source}:refused[_.]ANALYSES`));
        expect(letter.body).toBe(reason === 'too_large' ? body.slice(0, 64 * 1024) : body);
        if (source === 'nats') expect(letter.address).toBe(`refused.dead-letters.default.${reason}`);
      }
      expect(letters.found).toHaveLength(Object.keys(bad).length);
    });
  });
