import type { Command } from 'commander';
import { loadConfig } from '../config.js';
import type { Finding } from '../ports.js';
import { brokerKinds } from '../runtime/servers.js';
import { collect } from './options.js';
import { colours, print, printJson } from './output.js';
import { type ServerFlags, serverOptions, serverOverrides } from './servers.js';

interface DoctorFlags extends ServerFlags {
  config?: string;
  transcripts?: string;
  set: string[];
  json?: boolean;
}

const marks: Record<Finding['status'], string> = {
  ok: colours.green('ok     '),
  warning: colours.yellow('warning'),
  bad: colours.red('bad    '),
};

export function doctorCommand(program: Command): void {
  serverOptions(
    program
      .command('doctor')
      .summary('look at servers, streams, consumers and layout, and say what to mend')
      .description(
        'Looks at the servers that the flags name (all of the config where they name none): versions, permissions, ' +
          'streams, topics, consumers, settings and layout. Changes nothing. Exits with 1 when something is bad.',
      )
      .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)'),
  )
    .option(
      '--transcripts <url>',
      'the Redis of transcripts; what analysers may do on the broker is looked at too (analysis.transcripts.redisUrl)',
    )
    .option('--set <key=value>', 'any config key; repeatable', collect, [])
    .option('--json', 'print JSON, a finding a line')
    .action(async (flags: DoctorFlags) => {
      const { transcripts, set } = flags;
      const settings =
        transcripts === undefined ? set : [...set, `analysis.transcripts.redisUrl=${transcripts}`];
      const loaded = loadConfig(flags.config ?? null, serverOverrides(flags, settings));
      const all = [...brokerKinds, 'redis', 'transcripts'] as const;
      const named = all.filter((kind) => flags[kind] !== undefined);
      const asked: readonly string[] = named.length === 0 ? all : named;
      const { examine } = await import('../runtime/doctor.js');
      const findings = await examine(loaded, {
        brokers: brokerKinds.filter((kind) => asked.includes(kind)),
        redis: asked.includes('redis'),
        transcripts: asked.includes('transcripts'),
      });
      for (const finding of findings) {
        if (flags.json === true) printJson(finding);
        else {
          print(`${marks[finding.status]}  ${finding.what}: ${finding.detail}`);
          if (finding.mend !== '') print(`         ${finding.mend}`);
        }
      }
      if (findings.some(({ status }) => status === 'bad')) process.exitCode = 1;
    });
}
