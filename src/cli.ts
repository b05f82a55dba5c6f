#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { analyzeCommand } from './cli/analyze.js';
import { configCommand } from './cli/config.js';
import { demoCommand } from './cli/demo.js';
import { doctorCommand } from './cli/doctor.js';
import { pairCommands } from './cli/pairs.js';
import { processCommand } from './cli/process.js';
import { publishCommand } from './cli/publish.js';
import { rebuildCommand } from './cli/rebuild.js';
import { replayCommand } from './cli/replay.js';
import { traceCommand } from './cli/trace.js';
import { upCommand } from './cli/up.js';
import { watchCommand } from './cli/watch.js';
import { errorCodes, FulcrumError, messageOf } from './errors.js';
import { TrustValueError } from './trust/errors.js';

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('fulcrum-trust')
    .description(
      'Trust between agents: scores every pair by the outcomes of its interactions and opens a ' +
        'circuit when the score falls too low, so that a fleet stops a bad pair before it burns a budget.',
    )
    .version(version)
    .showSuggestionAfterError(true)
    .showHelpAfterError('(--help says what there is)')
    .exitOverride()
    .addHelpText('after', `\nExit codes:\n${exitCodeLines()}\n\nStart with: fulcrum-trust demo`);
  demoCommand(program);
  upCommand(program);
  processCommand(program);
  publishCommand(program);
  watchCommand(program);
  pairCommands(program);
  replayCommand(program);
  rebuildCommand(program);
  analyzeCommand(program);
  traceCommand(program);
  doctorCommand(program);
  configCommand(program);
  return program;
}

function exitCodeLines(): string {
  const meanings = new Map<number, string[]>();
  for (const { exitCode, meaning } of Object.values(errorCodes))
    meanings.set(exitCode, [...(meanings.get(exitCode) ?? []), meaning]);
  return [...meanings]
    .sort(([a], [b]) => a - b)
    .map(([code, texts]) => `  ${code}  ${texts.join('; ')}`)
    .join('\n');
}

async function main(): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await createProgram().parseAsync();
  } catch (error) {
    // Commander has said what was wrong by itself; help and version are no errors.
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : errorCodes.usage.exitCode;
      return;
    }
    process.stderr.write(`fulcrum-trust: ${messageOf(error)}\n`);
    if (error instanceof FulcrumError) process.exitCode = error.exitCode;
    else if (error instanceof TrustValueError) process.exitCode = errorCodes.config.exitCode;
    else {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
      process.exitCode = 1;
    }
  }
}

await main();
