import { statSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { type ConfigOverrides, type LoadedConfig, loadConfig, policyDocument } from '../config.js';
import { messageOf } from '../errors.js';
import { PolicyBook, type PolicyDocument } from '../trust/policies.js';
import type { Opened } from './opened.js';

/** What a process was started with, and so what its policies are made of when the config file has changed. */
export interface Started {
  readonly loaded: LoadedConfig;
  readonly overrides: ConfigOverrides;
  readonly logger: Logger;
}

/**
 * The policies of the config that a process was started with.
 *
 * @param withoutFile their version where there is no file
 */
export function ownPolicies({ config, file }: LoadedConfig, withoutFile: number): PolicyDocument {
  return policyDocument(config, file === null ? withoutFile : changedMs(file));
}

/** Calls back with the policies of the config file whenever it changed; a broken one is told and not taken. */
export function onChangedPolicies(
  { loaded, overrides, logger }: Started,
  opened: Opened,
  take: (document: PolicyDocument, book: PolicyBook) => void,
): void {
  const { file } = loaded;
  if (file === null) return;
  let version = changedMs(file);
  const reload = (): void => {
    try {
      const { config } = loadConfig(file, overrides);
      const next = policyDocument(config, Math.max(version + 1, changedMs(file)));
      const book = new PolicyBook(next);
      version = next.version;
      take(next, book);
    } catch (error) {
      logger.error(
        { file, reason: messageOf(error) },
        'the changed config is not taken, the old policies hold',
      );
    }
  };
  watchFile(file, { interval: 500 }, reload);
  opened.add(() => unwatchFile(file, reload));
}

/** When a file was changed, whole ms since the epoch: a version that rises with every change, across restarts too. */
function changedMs(file: string): number {
  return Math.floor(statSync(file).mtimeMs);
}
