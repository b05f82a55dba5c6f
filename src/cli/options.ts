import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { HttpClient } from '../client/http.js';
import { apiUrl } from '../config.js';
import { FulcrumError, messageOf } from '../errors.js';
import { fileSuggestion } from '../nearest.js';
import { type ServerFlags, serverOptions } from './servers.js';

/** Gathers a flag that may be given several times. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** A positive number of a flag. */
export function positive(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value > 0 && Number.isFinite(value)))
      throw new FulcrumError('usage', `${flag} ${text}: must be a number > 0`);
    return value;
  };
}

/** A whole number above 0 of a flag. */
export function wholeNumber(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new FulcrumError('usage', `${flag} ${text}: must be a whole number > 0`);
    return value;
  };
}

/** @throws FulcrumError `input` when there is no such file, with the nearest there is; `-` always is. */
export function requireFile(path: string): void {
  if (path !== '-' && !existsSync(path))
    throw new FulcrumError('input', `there is no file ${path}${fileSuggestion(path)}`);
}

/** @throws FulcrumError `usage` when the file of a flag cannot be appended to. */
export function requireWritable(flag: string, path: string): void {
  try {
    // It is made when there is something to write: an empty file would make a new data folder a foreign one.
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (cause) {
    throw new FulcrumError('usage', `${flag} ${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

export interface ClientFlags extends ServerFlags {
  url?: string;
  json?: boolean;
}

/** Flags of every command that talks to a running `up`. */
export function clientOptions(command: Command): Command {
  return serverOptions(command)
    .option('--url <url>', 'where `fulcrum-trust up` listens (FULCRUM_URL; default http://127.0.0.1:4747)')
    .option('--json', 'print JSON');
}

export function clientOf(flags: ClientFlags): HttpClient {
  return new HttpClient(apiUrl(flags.url));
}
