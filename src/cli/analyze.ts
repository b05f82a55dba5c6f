import { type Command, Option } from 'commander';
import { type ConfigOverrides, loadConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import type { FileFlags } from './analyze-file.js';
import type { PairFlags } from './analyze-pair.js';
import type { WorkerFlags } from './analyze-worker.js';
import { listenOptions, listenOverrides } from './listen.js';
import { clientOptions, collect, positive, wholeNumber } from './options.js';
import { brokerOf } from './remote.js';
import { serverOverrides } from './servers.js';

type AnalyzeFlags = FileFlags &
  PairFlags &
  WorkerFlags & {
    config?: string;
    model?: string;
    modelUrl?: string;
    trace?: string;
    transcripts?: string;
    set: string[];
    tokenBudget?: number;
  };

export function analyzeCommand(program: Command): void {
  const command = program
    .command('analyze')
    .argument('[file-or-pair...]', 'nothing, a file of transcripts, or two agents')
    .summary('say whether a conversation loops, how and where: of a fleet, a pair or a file')
    .description(
      'Says whether a conversation loops: the verdict, how sure it is, the turns it rests on, and whether the circuit ' +
        'could close again. By rules alone, unless a model is named.\n\n' +
        'analyze           is an analyser of a fleet, of which any number may run: it keeps what agents say and says of\n' +
        '                  every circuit that opens why it did, on the broker and, with --redis, beside the state\n' +
        'analyze A B       asks the analysers of a fleet about a pair, over HTTP or a broker, and waits for the answer\n' +
        'analyze FILE      reads transcripts, one a line of JSON: {id?, turns: [{speaker, text, time?, event_id?}]};\n' +
        '                  - reads standard input',
    )
    .option('--model <name>', 'let a model look too (model.name; default: none)')
    .option(
      '--model-url <url>',
      'where it is: an endpoint that speaks chat completions, e.g. http://127.0.0.1:11434/v1 (model.url); ' +
        'its key, if it needs one, is FULCRUM_MODEL_KEY',
    )
    .option(
      '--trace <folder>',
      'write what the model did to a file each; `trace FILE` shows it (analysis.traces)',
    )
    .addOption(
      new Option(
        '--token-budget <tokens>',
        'tokens of a transcript at most, counted by analysis.tokenizer (analysis.tokenBudget; default 10000000)',
      ).argParser(wholeNumber('--token-budget')),
    )
    .option(
      '--strict',
      'of a file: stop at the first line that cannot be used (default: say which, and go on)',
    )
    .option('-t, --tenant <tenant>', 'of a pair: its tenant', 'default')
    .option('--session <id>', 'of a pair: the session to read (default: the one that spoke last)')
    .addOption(
      new Option('--wait <seconds>', 'of a pair: how long its analysis is waited for')
        .argParser(positive('--wait'))
        .default(60),
    )
    .option(
      '--transcripts <place>',
      'of a fleet: where what agents say is kept, a folder for this one analyser, or a Redis for any number ' +
        '(analysis.transcripts; default: transcripts in the data folder)',
    )
    .option(
      '--fail-fast',
      'of a fleet: a server that is away at start is an error, instead of being waited for',
    )
    .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)')
    .option(
      '--set <key=value>',
      'any config key, e.g. --set model.timeoutMs=120000; repeatable',
      collect,
      [],
    );
  listenOptions(clientOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  $ fulcrum-trust analyze transcripts.jsonl --json
  $ fulcrum-trust analyze transcripts.jsonl --model llama3.1 --model-url http://127.0.0.1:11434/v1 --trace traces
  $ fulcrum-trust analyze --nats nats://127.0.0.1:4222 --redis redis://127.0.0.1:6379
  $ fulcrum-trust analyze planner coder`,
    )
    .action(async (given: string[], flags: AnalyzeFlags) => {
      const [first, second, third] = given;
      if (third !== undefined)
        throw new FulcrumError('usage', `${third}: name nothing, one file or two agents`);
      const loaded = loadConfig(flags.config ?? null, overrides(flags));
      if (second !== undefined) {
        const { analyzePair } = await import('./analyze-pair.js');
        return analyzePair([first ?? '', second], flags);
      }
      const { analysis, model } = loaded.config;
      if (flags.trace !== undefined && analysis.traces !== null && model.name === null && model.url === null)
        throw new FulcrumError('usage', '--trace needs a model: name one with --model and --model-url');
      if (first !== undefined) {
        const { analyzeFile } = await import('./analyze-file.js');
        return analyzeFile(first, loaded.config, flags);
      }
      const { runAnalyser } = await import('./analyze-worker.js');
      return runAnalyser(brokerOf(flags) ?? 'nats', loaded, flags);
    });
}

function overrides(flags: AnalyzeFlags): ConfigOverrides {
  const { model, modelUrl, trace, tokenBudget, transcripts, set } = flags;
  const named: readonly [key: string, value: string | number | undefined][] = [
    ['model.name', model],
    ['model.url', modelUrl],
    ['analysis.traces', trace],
    ['analysis.tokenBudget', tokenBudget],
    [`analysis.transcripts.${isRedisUrl(transcripts) ? 'redisUrl' : 'folder'}`, transcripts],
  ];
  const settings = named.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  return serverOverrides(flags, [...set, ...settings, ...listenOverrides(flags)]);
}

function isRedisUrl(place: string | undefined): boolean {
  return place !== undefined && /^rediss?(\+\w+)?:\/\//.test(place);
}
