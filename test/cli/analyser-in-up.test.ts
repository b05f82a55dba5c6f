import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AnalysisData, analysisDataSchema } from '../../src/events/schemas.js';
import { askedAnalysisSchema } from '../../src/rlm/analysis-record.js';
import { commandLine, type Up } from '../helpers/cli.js';
import { type Answer, getFrom, postTo } from '../helpers/http.js';
import { gettingOn, handingOver, idsOfLoop, type Saying } from '../helpers/talk.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

const { fresh, run, start, up } = commandLine();
const talk = { agents: ['planner', 'coder'] } as const;
const now = Date.now() / 1_000;
const [earlier, later] = [
  { ...talk, session: 'earlier', id: 'earlier', at: now - 120 },
  { ...talk, session: 'later', id: 'later', at: now - 60 },
];
const pair = { agent_a: 'planner', agent_b: 'coder' };
const analyses = '/v1/analyses?agent_a=planner&agent_b=coder';

async function say({ url }: Up, sayings: readonly Saying[]): Promise<void> {
  expect(await postTo(url, '/v1/interactions', [...sayings])).toEqual({
    status: 202,
    body: { accepted: sayings.length, rejected: [] },
  });
}

/** The last analysis of the pair, when there is one that is so. */
const analysisOf = ({ url }: Up, is: (data: AnalysisData) => boolean = () => true): Promise<AnalysisData> =>
  until('it is analysed', async () => {
    const { status, body } = await getFrom(url, analyses);
    if (status !== 200) return false;
    const data = analysisDataSchema.parse(body['analysis']);
    return is(data) && data;
  });

async function asked(
  server: Up,
  fields: object = {},
): Promise<{ status: number; data: AnalysisData | null }> {
  const { status, body } = await postTo(server.url, '/v1/analyses', { ...pair, ...fields });
  return { status, data: askedAnalysisSchema.parse(body).analysis };
}

describe.concurrent('`up` without a broker', () => {
  it('says of a circuit that opens why it did, and shows it with the pair', async () => {
    const server = await up(fresh());
    expect(await getFrom(server.url, analyses)).toMatchObject({
      status: 404,
      body: { title: 'No analysis' },
    });
    await say(server, handingOver(talk));
    const data = await analysisOf(server);
    expect(data).toMatchObject({
      ...{ tenant: 'default', agent_a: 'planner', agent_b: 'coder', session_id: 'default' },
      ...{ verdict: 'ping_pong', evidence: [{ event_ids: idsOfLoop() }] },
      asked_by: expect.stringMatching(/^default\/[0-9a-f]{16}\/\d+$/),
    });
    const { body } = await getFrom(server.url, '/v1/pairs?agent_a=planner&agent_b=coder');
    expect(body).toMatchObject({ circuit_state: 'OPEN', interaction_count: 15, analysis: { at: data.at } });
    const { stdout } = await run(['state', 'planner', 'coder', '--url', server.url]);
    expect(stdout).toMatch(/^ {2}analysis +ping_pong /m);
    expect(stdout).toContain(data.summary);
  });

  it('is asked over HTTP: of the session that spoke last, of one that is named, of what it does not know', async () => {
    const server = await up(fresh());
    await say(server, [...handingOver(earlier), ...gettingOn(later)]);
    expect(await asked(server)).toMatchObject({
      status: 200,
      data: { session_id: 'later', verdict: 'none', would_close: true },
    });
    const named = await asked(server, { id: 'named', session_id: 'earlier' });
    expect(named).toMatchObject({ status: 200, data: { asked_by: 'named', verdict: 'ping_pong' } });
    // The same request once more has the same answer.
    expect(await asked(server, { id: 'named', session_id: 'earlier' })).toEqual(named);
    expect((await asked(server, { agent_b: 'nobody' })).data).toMatchObject({
      session_id: null,
      verdict: 'inconclusive',
      summary: expect.stringContaining('nothing is kept of what the pair said'),
    });
    expect(await postTo(server.url, '/v1/analyses', { agent_a: 'planner' })).toMatchObject({
      status: 400,
      body: { errors: [{ index: 0, reason: 'invalid_event', field: 'agent_b' }] },
    });
    expect(await postTo(server.url, '/v1/analyses', 'why?')).toMatchObject({ status: 400 });
    expect((await getFrom(server.url, '/v1/analyses?agent_a=planner')).status).toBe(400);
  });

  it('is asked by the command line', async () => {
    const server = await up(fresh());
    await say(server, handingOver(earlier));
    const analyze = (...args: string[]) => run(['analyze', ...args, '--url', server.url]);
    const [json, shown, unknown] = await Promise.all([
      analyze('coder', 'planner', '--session', 'earlier', '--json'),
      analyze('planner', 'coder'),
      analyze('planner', 'nobody'),
    ]);
    expect(analysisDataSchema.parse(JSON.parse(json.stdout))).toMatchObject({ verdict: 'ping_pong' });
    expect(shown.stdout).toMatch(/ ping_pong {2}confidence .*\n/);
    expect(shown.stdout).toMatch(/^ {2}session earlier, analysed /m);
    expect(unknown).toMatchObject({ code: 0, stdout: expect.stringContaining('(nothing is kept)') });
  });

  it.each([
    ['told to stop', 'SIGTERM'],
    ['killed', 'SIGKILL'],
  ] as const)('has results and transcripts again when it was %s', async (_, signal) => {
    const data = fresh();
    const first = await up(data);
    await say(first, handingOver(talk).slice(0, 10));
    const { data: before } = await asked(first);
    expect(before).toMatchObject({ verdict: 'ping_pong', session_id: 'default' });
    await first.kill(signal);

    const second = await up(data);
    expect(await analysisOf(second)).toEqual(before);
    await say(second, handingOver(talk).slice(10));
    const opened = await analysisOf(second, ({ id }) => id !== before?.id);
    expect(opened.evidence[0]?.event_ids).toEqual(idsOfLoop());
  });

  it('keeps nothing and says 501 where the analyser is off', async () => {
    const data = fresh();
    const server = await up(data, ['--set', 'analysis.enabled=false']);
    await say(server, handingOver(talk));
    const refused: Answer = await postTo(server.url, '/v1/analyses', pair);
    expect(refused).toMatchObject({
      status: 501,
      body: { title: 'No analyser', detail: expect.stringContaining('analysis.enabled=true') },
    });
    const { code, stderr } = await run(['analyze', 'planner', 'coder', '--url', server.url]);
    expect(code).toBe(5);
    expect(stderr).toContain('this process keeps no transcripts: start it with analysis.enabled=true');
    expect((await getFrom(server.url, analyses)).status).toBe(404);
    expect(existsSync(join(data, 'transcripts'))).toBe(false);
  });

  it('counts a verdict as an outcome where the config says so', async () => {
    const server = await up(fresh(), ['--set', 'analysis.feedback.enabled=true']);
    await say(server, gettingOn(talk));
    expect((await asked(server)).data?.verdict).toBe('none');
    await until('it is counted', async () => {
      const { body } = await getFrom(server.url, '/v1/pairs?agent_a=planner&agent_b=coder');
      return body['interaction_count'] === 5 && Number(body['alpha']) > 5.9;
    });
  });
});

describeWithServer('redis', '`up` on Redis alone', () => {
  let redis: readonly string[] = [];
  beforeAll(async () => {
    redis = ['--redis', (await startRedis()).url];
  });

  it('has no analyser, unless the config says so', async () => {
    const up = async (prefix: string, ...flags: string[]) => {
      const command = start(['up', '--port', '0', '--json', ...redis, ...flags], {
        environment: {
          FULCRUM_REDIS_PREFIX: prefix,
          FULCRUM_ANALYSIS_TRANSCRIPTS_FOLDER: fresh(),
        },
      });
      return JSON.parse(await command.prints('stdout', /^.+(?=\n)/)) as { url: string };
    };
    const [without, having] = await Promise.all([
      up('without'),
      up('with', '--set', 'analysis.enabled=true'),
    ]);
    expect(await postTo(without.url, '/v1/analyses', pair)).toMatchObject({
      status: 501,
      body: { title: 'No analyser' },
    });
    await postTo(having.url, '/v1/interactions', handingOver(talk));
    const { body } = await postTo(having.url, '/v1/analyses', pair);
    expect(body['analysis']).toMatchObject({ verdict: 'ping_pong' });
  });
});
