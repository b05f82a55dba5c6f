import { describe, expect, it } from 'vitest';
import { commandLine } from '../helpers/cli.js';

const { run } = commandLine();

const client = ['--url', '--json'];
const commands = {
  demo: ['--seed', '--json'],
  up: ['--config', '--data', '--host', '--port', '--no-timed-recovery', '--set', '--json'],
  publish: ['--outcome', '--tenant', '--weight', '--session', '--content', ...client],
  watch: ['--tenant', ...client],
  state: ['--tenant', 'agentA', 'agentB', ...client],
  circuits: ['--tenant', ...client],
  reset: ['--tenant', '--reason', '--actor', ...client],
  terminate: ['--tenant', '--reason', '--actor', ...client],
  replay: [
    ...['--config', '--data', '--dead-letters', '--source-column', '--target-column', '--rating-column'],
    ...[
      '--time-column',
      '--header',
      '--into-agent',
      '--speed',
      '--no-timed-recovery',
      '--events',
      '--set',
      '--json',
    ],
  ],
  rebuild: ['--nats', '--kafka', '--redis', '--prefix', '--config', '--no-timed-recovery', '--set', '--json'],
  analyze: ['--model', '--model-url', '--trace', '--token-budget', '--strict', '--config', '--set', '--json'],
  trace: ['file', '--json'],
  config: ['--config', '--set', '--json'],
};

describe.concurrent('help', () => {
  it('of the whole names every command, the exit codes, and where to start', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const exitCode of [1, 2, 3, 4, 5, 6]) expect(stdout).toMatch(new RegExp(`^  ${exitCode}  `, 'm'));
    expect(stdout).toContain('Start with: fulcrum-trust demo');
  });

  it.each(Object.entries(commands))(
    'of %s says what it is for and what each of its flags does',
    async (command, flags) => {
      const { code, stdout, stderr } = await run([command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: fulcrum-trust ${command} .*\\n\\n(?!Options|Arguments)\\w`));
      for (const flag of flags) expect(stdout).toMatch(new RegExp(`^  (-\\w, )?${flag}\\b.* {2,}\\S`, 'm'));
    },
  );

  it('is what one gets who names no command', async () => {
    const { code, stderr } = await run([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: fulcrum-trust');
  });

  it('has a version', async () => {
    const { code, stdout } = await run(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe.concurrent('what is unknown', () => {
  it.each([
    ['a command', ['rpelay'], "unknown command 'rpelay'", 'Did you mean replay?'],
    [
      'a flag',
      ['replay', 'x', '--dead-leters', 'y'],
      "unknown option '--dead-leters'",
      'Did you mean --dead-letters?',
    ],
    [
      'a config key',
      ['config', '--set', 'trust.treshold=0.4'],
      'unknown key trust.treshold',
      'did you mean threshold?',
    ],
    ['a variable', ['config'], 'unknown variable FULCRUM_HTTP_PRT', 'did you mean FULCRUM_HTTP_PORT?'],
    [
      'a config file',
      ['config', '--config', './nothing.yaml'],
      'config file ./nothing.yaml cannot be read',
      'ENOENT',
    ],
  ])('%s is named, with what was probably meant, and ends with 2', async (what, args, named, meant) => {
    const environment = what === 'a variable' ? { FULCRUM_HTTP_PRT: '1' } : {};
    const { code, stdout, stderr } = await run(args, { environment });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(named);
    expect(stderr).toContain(meant);
  });
});

describe.concurrent('what is wrong', () => {
  it.each([
    [['state', 'only-one'], "missing required argument 'agentB'"],
    [['demo', '--seed', 'x'], '--seed x: must be a whole number >= 0'],
    [['replay', 'x', '--speed', '0'], '--speed 0: must be a number > 0'],
    [['up', '--port', 'http'], 'http.port'],
    [
      ['up', '--set', 'trust.threshold=2'],
      'policy default: threshold must be in (0, 1), both ends excluded, got 2',
    ],
    [['config', '--set', 'threshold'], 'must be key=value, e.g. trust.threshold=0.4'],
    [['state', 'a', 'b', '--url', 'here'], 'here is not a URL, e.g. http://127.0.0.1:4747'],
    [['publish', 'a', '--outcome', 'success'], '--outcome needs two agents'],
    [['publish', 'a', 'b'], 'to send one interaction of two agents give --outcome'],
  ])('%j ends with 2 and says why', async (args, why) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });
});

describe.concurrent('config', () => {
  it('prints a file that can be used again', async () => {
    const { code, stdout, stderr } = await run(['config', '--set', 'trust.threshold=0.4', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      trust: { threshold: 0.4, halfLifeSeconds: 86_400 },
      http: { port: 4747 },
    });
  });

  it('warns on standard error of what is allowed and probably not meant', async () => {
    const { code, stdout, stderr } = await run(['config', '--set', 'trust.halfLifeSeconds=Infinity']);
    expect(code).toBe(0);
    expect(stdout).toContain('halfLifeSeconds: .inf');
    expect(stderr).toMatch(/^warning: policy default: .* never recovers by itself/);
  });
});
