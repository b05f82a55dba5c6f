import { statSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { type ConfigOverrides, type LoadedConfig, loadConfig, policyDocument } from '../config.js';
import { messageOf } from '../errors.js';
import { PolicyBook } from '../trust/policies.js';
import type { Opened } from './opened.js';

/** The policies of the config file as it is now: a change acts at once, a broken one is told and not taken. */
export function livePolicies(
  loaded: LoadedConfig,
  overrides: ConfigOverrides,
  logger: Logger,
  opened: Opened,
): () => PolicyBook {
  const { file } = loaded;
  let version = file === null ? 1 : changedMs(file);
  let book = new PolicyBook(policyDocument(loaded.config, version));
  if (file !== null) {
    const reload = (): void => {
      try {
        const { config } = loadConfig(file, overrides);
        const next = Math.max(version + 1, changedMs(file));
        book = new PolicyBook(policyDocument(config, next));
        version = next;
        logger.info({ file, version }, 'policies changed');
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
  return () => book;
}

/** When a file was changed, whole ms since the epoch: a version that rises with every change, across restarts too. */
function changedMs(file: string): number {
  return Math.floor(statSync(file).mtimeMs);
}
