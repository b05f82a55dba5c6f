import { unwatchFile, watchFile } from 'node:fs';
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
  let version = 1;
  let book = new PolicyBook(policyDocument(loaded.config, version));
  const { file } = loaded;
  if (file !== null) {
    const reload = (): void => {
      try {
        const { config } = loadConfig(file, overrides);
        book = new PolicyBook(policyDocument(config, version + 1));
        version++;
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
