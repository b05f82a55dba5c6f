import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLine, type Ended, jsonLines } from '../helpers/cli.js';

const { fresh, run, start } = commandLine();

function fileOf(text: string): string {
  const path = fresh();
  writeFileSync(path, text);
  return path;
}

function interaction(fields: object): string {
  return JSON.stringify({ agent_a: 'a', agent_b: 'b', outcome: 'failure', time: 1_700_000_000, ...fields });
}

const summaryOf = ({ stdout }: Ended): unknown => jsonLines(stdout).at(-1);

describe.concurrent('replay of NDJSON', () => {
  const mixed = [
    interaction({}),
    '{ "agent_a": ',
    interaction({}),
    '',
    interaction({ agent_b: undefined }),
    interaction({ time: 'yesterday' }),
    interaction({ outcome: 'success', agent_a: 'c' }),
  ].join('\n');

  it('names what it cannot take by its record, field and rule, counts it, and goes on', async () => {
    const ended = await run(['replay', fileOf(mixed), '--json']);
    expect(ended.code).toBe(0);
    expect(summaryOf(ended)).toMatchObject({ events: 3, pairs: 2, opened: 1, openAtEnd: 1, deadLetters: 3 });
    const notes = ended.stderr.trimEnd().split('\n');
    expect(notes[0]).toMatch(/^record 2: invalid_json: must be JSON/);
    expect(notes[1]).toBe('record 4: invalid_event: agent_b is required');
    expect(notes[2]).toMatch(/^record 5: invalid_event: time must be an RFC 3339 time/);
    expect(notes[3]).toBe('name --dead-letters FILE to keep them');
  });

  it('keeps what it cannot take with --dead-letters', async () => {
    const letters = fresh();
    const ended = await run(['replay', fileOf(mixed), '--dead-letters', letters]);
    expect(ended.stderr).toContain(`dead letters are in ${letters}`);
    const kept = jsonLines<{ reason: string; body: string; headers: object }>(readFileSync(letters, 'utf8'));
    expect(kept.map(({ reason, body }) => [reason, body])).toEqual([
      ['invalid_json', '{ "agent_a": '],
      ['invalid_event', interaction({ agent_b: undefined })],
      ['invalid_event', interaction({ time: 'yesterday' })],
    ]);
    expect(kept[1]?.headers).toMatchObject({ 'dlq-detail': 'agent_b is required' });
  });

  it('keeps it in the data folder when one is named', async () => {
    const data = fresh();
    await run(['replay', fileOf(mixed), '--data', data]);
    expect(jsonLines(readFileSync(join(data, 'dead-letters.ndjson'), 'utf8'))).toHaveLength(3);
  });

  it('shows the first ten refusals and counts the rest', async () => {
    const ended = await run(['replay', fileOf('?\n'.repeat(25)), '--json']);
    expect(ended.stderr.match(/^record /gm)).toHaveLength(10);
    expect(ended.stderr).toContain('further refused records are counted, not shown');
    expect(summaryOf(ended)).toMatchObject({ events: 0, deadLetters: 25 });
  });

  it('reads standard input', async () => {
    const ended = await run(['replay', '-', '--json'], { input: mixed });
    expect(summaryOf(ended)).toMatchObject({ events: 3, deadLetters: 3 });
  });

  it('of nothing comes to nothing', async () => {
    const ended = await run(['replay', fileOf(''), '--json']);
    expect(ended.code).toBe(0);
    expect(summaryOf(ended)).toMatchObject({ events: 0, pairs: 0, deadLetters: 0, eventsPerSecond: 0 });
  });

  it('prints a table for people', async () => {
    const { stdout } = await run(['replay', fileOf(mixed), '--events']);
    expect(stdout).toMatch(/^2023-11-14T22:13:20Z {2}OPEN +a ↔ b {2}score 0\.250 after 2 interactions/);
    expect(stdout).toMatch(/^events applied +3$/m);
    expect(stdout).toMatch(/^dead letters +3$/m);
  });

  it('judges by the config that is given', async () => {
    const config = `${fresh()}.yaml`;
    writeFileSync(
      config,
      'policies: [{ name: strict, match: { agents: [a, b] }, trust: { threshold: 0.4 } }]',
    );
    const args = ['replay', fileOf(interaction({})), '--json'];
    expect(summaryOf(await run([...args, '--config', config]))).toMatchObject({ opened: 1 });
    expect(summaryOf(await run([...args, '--set', 'trust.threshold=0.4']))).toMatchObject({ opened: 1 });
    expect(summaryOf(await run(args))).toMatchObject({ opened: 0 });
  });

  it('at a multiple of real time comes to the same, and takes its time', async () => {
    const times = [0, 0, 20, 40, 40];
    const file = fileOf(times.map((after) => interaction({ time: 1_700_000_000 + after })).join('\n'));
    const args = ['replay', file, '--json', '--set', 'trust.halfLifeSeconds=10'];
    const atOnce = jsonLines(await run(args).then(({ stdout }) => stdout)).at(-1);
    const startedAt = Date.now();
    const paced = jsonLines(await run([...args, '--speed', '100']).then(({ stdout }) => stdout)).at(-1);
    expect(Date.now() - startedAt).toBeGreaterThan(400);
    const { eventsPerSecond: _, ...counts } = atOnce ?? {};
    expect(counts).toMatchObject({ events: 5, opened: 3, closedByTime: 2 });
    expect(paced).toMatchObject(counts);
  });

  it('that is interrupted says so, and goes on from there in its data folder', async () => {
    const file = fileOf(
      [0, 1, 3_600].map((after) => interaction({ time: 1_700_000_000 + after })).join('\n'),
    );
    const data = fresh();
    const slow = start(['replay', file, '--data', data, '--events', '--speed', '1']);
    await slow.prints('stdout', /OPEN/);
    const ended = await slow.kill('SIGTERM');
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('interrupted: the summary is of what was read');
    expect(summaryOf(await run(['replay', file, '--data', data, '--json']))).toMatchObject({ events: 1 });
  });
});

describe.concurrent('replay of CSV', () => {
  const csv =
    'who,whom,rating,when\nx,y,-3,1700000000\nx,y,-1,1700000001\nx,z,0,2023-11-14T22:13:22Z\nx,y,bad,1\n';
  const names = [
    '--source-column',
    'who',
    '--target-column',
    'whom',
    '--rating-column',
    'rating',
    '--time-column',
    'when',
  ];

  it('finds its columns by the names of the header', async () => {
    const ended = await run(['replay', fileOf(csv), ...names, '--header', '--json']);
    expect(summaryOf(ended)).toMatchObject({ events: 3, pairs: 2, opened: 1, deadLetters: 1 });
    expect(ended.stderr).toContain('record 4: invalid_event: column rating (rating) must be a number');
  });

  it.each([
    [['--source-column', '0'], 'a CSV file needs --target-column, --rating-column, --time-column too'],
    [['--header'], '--header and --into-agent are for CSV: give the four column flags too'],
    [names, '--source-column who: a name needs --header; without it give a 0-based index'],
    [[...names.slice(2), '--source-column', 'whose', '--header'], '--source-column whose: '],
  ])('with %j ends with 2 and says what is missing', async (flags, why) => {
    const { code, stdout, stderr } = await run(['replay', fileOf(csv), ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });
});

describe.concurrent('a file that replay cannot use', () => {
  it('is named with the nearest there is, and ends with 3', async () => {
    const path = fileOf('');
    const { code, stderr } = await run(['replay', `${path}.csv`]);
    expect(code).toBe(3);
    expect(stderr).toContain(`there is no file ${path}.csv`);
    const near = join(fresh(), 'interactions.ndjson');
    mkdirSync(join(near, '..'));
    writeFileSync(near, '');
    expect((await run(['replay', near.replace('ndjson', 'ndjsno')])).stderr).toContain(
      `did you mean ${near}?`,
    );
  });

  it('is a folder', async () => {
    const folder = fresh();
    mkdirSync(folder);
    const { code, stderr } = await run(['replay', folder]);
    expect(code).toBe(3);
    expect(stderr).toContain(`${folder} is a folder: name a file`);
  });

  it('is one for dead letters that cannot be written: that is said at once', async () => {
    const { code, stderr } = await run(['replay', fileOf('?'), '--dead-letters', join(fresh(), 'x', 'y')]);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot be written: ENOENT');
  });

  it('is a data folder that is none: it ends with 6 and says what to do', async () => {
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(join(folder, 'holiday.jpg'), '');
    const { code, stderr } = await run(['replay', fileOf(''), '--data', folder]);
    expect(code).toBe(6);
    expect(stderr).toContain('is not a data folder of fulcrum-trust');
    expect(stderr).toContain('Name a new or an empty folder');
  });
});
