import { expect, it } from 'vitest';
import type { PairAnswer } from '../../src/rlm/analysis-record.js';
import { type AnalysedFleet, analysedFleets, completedIn } from '../helpers/analysed.js';
import { gettingOn, handingOver, type Saying } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';
import { until } from '../servers/until.js';

const talk = { agents: ['planner', 'coder'] } as const;
const on = ['--set', 'analysis.feedback.enabled=true'];

/** Said after all that was to come, and without content. */
const last: Saying = { id: 'last', agent_a: 'planner', agent_b: 'coder', outcome: 'success', content: '' };

describeWithServer(['redis', 'nats'], 'a verdict', () => {
  const given = analysedFleets('nats');

  async function fleetWith(name: string, ...flags: string[]): Promise<AnalysedFleet> {
    const fleet = await given.fleet(name);
    await Promise.all([fleet.process(), fleet.analyser(...flags)]);
    return fleet;
  }

  /** Resolves with the pair when so many interactions are counted. */
  const counted = ({ run }: AnalysedFleet, count: number): Promise<PairAnswer> =>
    until(`${count} interactions`, async () => {
      const { stdout } = await run('state', 'planner', 'coder', '--json', ...given.redis);
      const pair = JSON.parse(stdout) as PairAnswer | null;
      return pair?.interaction_count === count && pair;
    });

  it('is no outcome by default', async () => {
    const fleet = await fleetWith('off');
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    await completedIn(analyses);
    // What came of the analysis would lie before it.
    await fleet.say(talk, [last]);
    await counted(fleet, 16);
  });

  it('is one where the config says so, of source rlm and the weight that is set', async () => {
    const fleet = await fleetWith('on', ...on, '--set', 'analysis.feedback.weight=2');
    const [analyses, interactions] = [
      await fleet.foreign.listen('analyses'),
      await fleet.foreign.listen('interactions'),
    ];
    await fleet.say(talk, handingOver(talk));
    const { event } = await completedIn(analyses);
    const outcome = await interactions.first(({ body }) => {
      const interaction = JSON.parse(body) as { source?: string };
      return interaction.source === 'rlm' ? interaction : null;
    });
    expect(outcome).toMatchObject({
      id: `${event.id}/outcome`,
      type: 'fulcrum.trust.interaction.v1',
      data: { agent_a: 'planner', agent_b: 'coder', outcome: 'failure', weight: 2 },
    });
    // Four successes, eleven failures, and the verdict's weight.
    expect(await counted(fleet, 16)).toMatchObject({
      alpha: expect.closeTo(5, 2),
      beta: expect.closeTo(14, 2),
    });
    await fleet.ask(talk, 'again');
    await counted(fleet, 17);
  });

  it('that is none counts for the pair; the circuit that a verdict opens feeds no further one', async () => {
    const fleet = await fleetWith('none', ...on, '--set', 'analysis.feedback.weight=30');
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, gettingOn(talk));
    await fleet.ask(talk, 'well');
    expect((await completedIn(analyses)).event.data.verdict).toBe('none');
    expect(await counted(fleet, 5)).toMatchObject({ circuit_state: 'CLOSED', alpha: expect.closeTo(35, 1) });

    // The loop alone does not open it, and its verdicts do: 30 of each that is asked for.
    await fleet.say(
      talk,
      handingOver(talk)
        .slice(4)
        .map((saying) => ({ ...saying, id: `loop-${saying.id}` })),
    );
    for (const id of ['first', 'second', 'third']) await fleet.ask(talk, id);
    const { event } = await completedIn(analyses, ({ asked_by }) => asked_by.startsWith('default/'));
    expect(event.data.verdict).toBe('ping_pong');
    await fleet.say(talk, [last]);
    expect(await counted(fleet, 5 + 11 + 3 + 1)).toMatchObject({ circuit_state: 'OPEN' });
  });
});
