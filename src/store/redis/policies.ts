/** `ft:policies`: the policies of a fleet, one versioned document for all of its processes. */
import { FulcrumError, messageOf } from '../../errors.js';
import { PolicyBook, type PolicyDocument } from '../../trust/policies.js';
import type { RedisClient } from './connection.js';
import { policiesKey } from './layout.js';

export class SharedPolicies {
  private known: { readonly text: string; readonly book: PolicyBook; readonly version: number } | null = null;

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
  ) {}

  /** The policies as they are now; null where there are none. @throws FulcrumError `config` when they are broken */
  async read(): Promise<{ readonly book: PolicyBook; readonly version: number } | null> {
    const text = await this.client.get(policiesKey(this.prefix));
    if (text === null) return null;
    if (this.known?.text !== text) {
      const document = parse(text, policiesKey(this.prefix));
      this.known = { text, book: new PolicyBook(document), version: document.version };
    }
    return this.known;
  }

  /** Writes a document unless a newer one is there; of two of one version the first stays. */
  async write(document: PolicyDocument): Promise<void> {
    const text = stringify(document);
    for (;;) {
      const before = await this.client.get(policiesKey(this.prefix));
      if (before !== null && parse(before, policiesKey(this.prefix)).version >= document.version) return;
      const swapped = await this.client.eval(
        `local now = redis.call('GET', KEYS[1])
         if (now or '') ~= ARGV[1] then return 0 end
         redis.call('SET', KEYS[1], ARGV[2])
         return 1`,
        1,
        policiesKey(this.prefix),
        before ?? '',
        text,
      );
      if (swapped === 1) return;
    }
  }
}

/** JSON has no infinity. */
function stringify(document: PolicyDocument): string {
  return JSON.stringify(document, (_key, value) => (value === Number.POSITIVE_INFINITY ? 'Infinity' : value));
}

function parse(text: string, key: string): PolicyDocument {
  try {
    return JSON.parse(text, (_key, value: unknown) =>
      value === 'Infinity' ? Number.POSITIVE_INFINITY : value,
    ) as PolicyDocument;
  } catch (cause) {
    throw new FulcrumError('config', `key ${key} holds no policies: ${messageOf(cause)}`, { cause });
  }
}
