import { expect, it } from 'vitest';
import { analysisId } from '../../src/events/analysis.js';
import { analysisRecordSchema, pairAnswerSchema } from '../../src/rlm/analysis-record.js';
import { analysedFleets, completedIn } from '../helpers/analysed.js';
import { handingOver, idsOfLoop, pairOf } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';

const talk = { agents: ['planner', 'coder'], session: 'run-7' } as const;

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `an analyser of a fleet on ${source}`, () => {
    const given = analysedFleets(source);

    it('says of a circuit that opens why it did: on the broker, and beside the state', async () => {
      const fleet = await given.fleet('opens');
      const [, worker] = await Promise.all([fleet.process(), fleet.analyser()]);
      const analyses = await fleet.foreign.listen('analyses');
      const circuits = await fleet.foreign.listen('circuits');
      await fleet.say(talk, handingOver(talk));

      const opened = await circuits.first(({ body }) => JSON.parse(body) as { type: string; id: string });
      expect(opened.type).toBe('fulcrum.trust.circuit.opened.v1');
      const { found, event } = await completedIn(analyses);
      const { tenant, pairId } = pairOf(talk);
      expect(found.address).toBe(
        source === 'nats' ? `opens.analyses.${tenant}.${pairId}` : `${tenant}/${pairId}`,
      );
      const id = analysisId(tenant, pairId, opened.id);
      expect(event).toMatchObject({
        id,
        data: {
          id,
          tenant,
          pair_id: pairId,
          session_id: 'run-7',
          asked_by: opened.id,
          verdict: 'ping_pong',
          would_close: false,
          tokens: 0,
          cost: 0,
          evidence: [{ handle: 'ctx://run-7/0000', event_ids: idsOfLoop() }],
        },
      });

      await worker.prints('stderr', /of default: ping_pong, .*\n/);
      const { stdout } = await fleet.run('state', 'planner', 'coder', '--json', ...given.redis);
      const { analysis, circuit_state } = pairAnswerSchema.parse(JSON.parse(stdout));
      expect(circuit_state).toBe('OPEN');
      const { at, evidence, summary, verdict } = event.data;
      expect(analysisRecordSchema.parse(analysis)).toMatchObject({
        at,
        asked_by: opened.id,
        session: 'run-7',
        result: { id, verdict, summary, evidence },
      });
      const shown = await fleet.run('state', 'planner', 'coder', ...given.redis);
      expect(shown.stdout).toMatch(/^ {2}analysis +ping_pong \(confidence 0\.\d\d\)$/m);
      expect(shown.stdout).toContain(summary);
      expect(shown.stdout).toMatch(/^ {2}analysed +\d{4}-.*, session run-7$/m);

      expect((await worker.kill('SIGTERM')).code).toBe(0);
      expect(await fleet.foreign.unacknowledged('circuits')).toBe(0);
    });
  });
