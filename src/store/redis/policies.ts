/** `ft:policies`: the policies of a fleet, one versioned document for all of its processes. */
import { FulcrumError, messageOf } from '../../errors.js';
import { PolicyBook, type PolicyDocument } from '../../trust/policies.js';
import { type RedisClient, unavailable } from './connection.js';
import { policiesKey } from './layout.js';
import { runScript } from './scripts.js';

export class SharedPolicies {
  private known: { readonly text: string; readonly book: PolicyBook; readonly version: number } | null = null;

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly url: string,
  ) {}

  /**
   * The policies as they are now; null where there are none.
   *
   * @throws FulcrumError `config` when they are broken, `denied` or `unavailable`
   */
  async read(): Promise<{ readonly book: PolicyBook; readonly version: number } | null> {
    const text = await this.get();
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
      const before = await this.get();
      if (before !== null && parse(before, policiesKey(this.prefix)).version >= document.version) return;
      if (await this.swap(before ?? '', text)) return;
    }
  }

  private get(): Promise<string | null> {
    return this.client.get(policiesKey(this.prefix)).catch(this.fail);
  }

  private async swap(before: string, after: string): Promise<boolean> {
    const key = policiesKey(this.prefix);
    return (await runScript(this.client, 'policies', [key], [before, after]).catch(this.fail)) === 1;
  }

  private readonly fail = (error: unknown): never => {
    throw unavailable(this.url, error);
  };
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
