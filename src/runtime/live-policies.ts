import { PolicyBook } from '../trust/policies.js';
import { onChangedPolicies, ownPolicies, type Started } from './changed-policies.js';
import type { Opened } from './opened.js';

/** The policies of the config file as it is now: a change acts at once, a broken one is told and not taken. */
export function livePolicies(started: Started, opened: Opened): () => PolicyBook {
  const { file } = started.loaded;
  let book = new PolicyBook(ownPolicies(started.loaded, 1));
  onChangedPolicies(started, opened, ({ version }, changed) => {
    book = changed;
    started.logger.info({ file, version }, 'policies changed');
  });
  return () => book;
}
