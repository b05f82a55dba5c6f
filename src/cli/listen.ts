import type { Command } from 'commander';

/** Where a command listens, by flag. */
export interface ListenFlags {
  host?: string;
  port?: string;
}

export function listenOptions(command: Command): Command {
  return command
    .option('--host <address>', 'address to listen on (http.host)')
    .option('-p, --port <number>', 'port to listen on, 0 for a free one (http.port)');
}

/** As `--set` has it. */
export function listenOverrides({ host, port }: ListenFlags): string[] {
  return [
    ...(host === undefined ? [] : [`http.host=${host}`]),
    ...(port === undefined ? [] : [`http.port=${port}`]),
  ];
}
