import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { analysedFleets, completedIn } from '../helpers/analysed.js';
import { handingOver, idsOfLoop } from '../helpers/talk.js';
import { fakeEndpoint, status } from '../rlm/model/fake-endpoint.js';
import { describeWithServer } from '../servers/describe.js';
import { freePort } from '../servers/loopback.js';

const talk = { agents: ['planner', 'coder'] } as const;
const key = 'sk-of-the-analyser';
const modelFlags = (url: string) => ['--model', 'small', '--model-url', url];
const twoAttempts = ['--set', 'model.attempts=2'];

const program = `\`\`\`js
recordStep("look at the end");
updateAnswer({ verdict: "ping_pong", confidence: 0.9, summary: "They hand the invoice to and fro.",
  evidence: [{ handle: handles()[0], turns: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] }] });
\`\`\``;

describeWithServer(['redis', 'nats'], 'an analyser with a model', () => {
  const given = analysedFleets('nats');

  it('lets it look at a circuit that opened, and leaves a trace of it', async () => {
    const fleet = await given.fleet('model');
    Object.assign(fleet.environment, { FULCRUM_MODEL_KEY: key });
    const { url, asked } = await fakeEndpoint([program]);
    const traces = given.commands.fresh();
    const [, analyser] = await Promise.all([
      fleet.process(),
      fleet.analyser(...modelFlags(url), '--trace', traces),
    ]);
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    const { event, found } = await completedIn(analyses);
    expect(event.data).toMatchObject({
      verdict: 'ping_pong',
      evidence: [{ handle: 'ctx://default/0000', event_ids: idsOfLoop() }],
    });
    expect(event.data.tokens).toBeGreaterThan(0);
    expect(event.data.tokens).toBeLessThanOrEqual(8_000);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${key}`]);
    expect(readdirSync(traces)).toEqual([`${event.data.trace_id}.jsonl`]);
    expect(found.body + analyser.stdout + analyser.stderr).not.toContain(key);
  });

  it('says of one that is away, or refuses, that nothing is known, and answers the next when it is back', async () => {
    const fleet = await given.fleet('refuses');
    const { url, asked } = await fakeEndpoint((_, index) =>
      index < 2 ? status(503, { error: { message: 'overloaded' } }) : program,
    );
    await fleet.analyser(...modelFlags(url), ...twoAttempts);
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    await fleet.ask(talk, 'away');
    const { data } = (await completedIn(analyses)).event;
    expect(data).toMatchObject({
      asked_by: 'away',
      session_id: 'default',
      verdict: 'inconclusive',
      confidence: 0,
      summary: expect.stringContaining('503'),
      would_close: false,
    });
    expect(asked).toHaveLength(2);
    await fleet.ask(talk, 'back');
    const back = await completedIn(analyses, ({ asked_by }) => asked_by === 'back');
    expect(back.event.data.verdict).toBe('ping_pong');
  });

  it('says why where nothing listens', async () => {
    const fleet = await given.fleet('nowhere');
    const url = `http://127.0.0.1:${await freePort()}`;
    await fleet.analyser(...modelFlags(`${url}/v1`), ...twoAttempts);
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    await fleet.ask(talk, 'nowhere');
    const { data } = (await completedIn(analyses)).event;
    expect(data).toMatchObject({ verdict: 'inconclusive', tokens: 0 });
    expect(data.summary).toContain(`${url} is away: `);
    expect(data.summary).toContain('The rules alone found ping_pong from turn 4 to turn 14');
  });

  it('waits no longer than it is told for an answer', async () => {
    const fleet = await given.fleet('slow');
    const { url } = await fakeEndpoint([() => {}]);
    await fleet.analyser(
      ...modelFlags(url),
      ...['--set', 'model.attempts=1', '--set', 'model.timeoutMs=200'],
    );
    const analyses = await fleet.foreign.listen('analyses');
    await fleet.say(talk, handingOver(talk));
    await fleet.ask(talk, 'slow');
    const { data } = (await completedIn(analyses)).event;
    expect(data).toMatchObject({ verdict: 'inconclusive', summary: expect.stringContaining('200 ms') });
  });
});
