import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, renameSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FulcrumError, messageOf } from '../errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  LocalOutbox,
  TrustStore,
} from '../ports.js';
import { makePairId } from '../trust/pair.js';
import type { Policy } from '../trust/policy.js';
import type { Pair } from '../trust/record.js';
import { announceIn, applyBatch, applyCommandTo, type Ledger } from './engine.js';
import { type PythonState, pairOf, pythonState, pythonStateSchema } from './python-state.js';

/**
 * Trust state in one JSON file, the Python package's `trust_state.json`: an object of pair id to state. It is
 * read when the store is made and replaced whole, atomically, by every call that changes it; a process that
 * dies in between leaves the old file. For one process at a time, with one tenant and no stream: it keeps no
 * positions and no outbox, and `TrustManager` is what it is for. The format has no place for what `opening: change`
 * knows of a pair: under that, every call is refused with FulcrumError `usage`.
 *
 * @throws FulcrumError `store_corrupt` when the file is there and cannot be read; it is never overwritten then.
 */
export class FileStore implements TrustStore {
  private pairs: Map<string, Pair>;
  /** The entries as read, for the fields that this version does not know. */
  private readonly entries: Map<string, PythonState>;
  private seen: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(readonly path: string) {
    this.seen = fingerprint(path);
    this.entries = readEntries(path);
    this.pairs = new Map([...this.entries].map(([id, entry]) => [id, pairOf(id, entry)]));
  }

  apply(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
    return this.change((ledger) => {
      for (const policy of batch.policies) this.checkPolicy(policy);
      return applyBatch(ledger, batch);
    });
  }

  command(command: CommandToApply): Promise<CommandResult> {
    return this.change((ledger) => {
      this.checkPolicy(command.policy);
      return applyCommandTo(ledger, command);
    });
  }

  async read(_tenant: string, pairId: string): Promise<Pair | null> {
    await this.last;
    return this.pairs.get(pairId) ?? null;
  }

  /** Where there is something to tell, there is nobody to tell it. @throws FulcrumError `usage` */
  announce(request: AnnounceRequest): Promise<AnnounceResult> {
    return this.change((ledger) => announceIn(ledger, request));
  }

  /** A file has no due times: timed recovery is the processor's. */
  due(): number {
    return 0;
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    await this.last;
    for (const pair of this.pairs.values())
      if (pair.state !== null && pair.state.circuitState !== 'CLOSED') yield { tenant: 'default', pair };
  }

  readonly outbox: LocalOutbox = {
    read: () => [],
    remove: (entries) => entries,
  };

  mark(): null {
    return null;
  }

  async close(): Promise<void> {
    await this.last;
  }

  checkPolicy({ config }: Policy): void {
    if (config.opening === 'change')
      throw new FulcrumError(
        'usage',
        `opening must be mean with a FileStore, got "change": ${this.path} is the Python package's, which has no place ` +
          'for what is known of a change. Use MemoryStore, the embedded store or Redis.',
      );
  }

  /** Runs one step on a copy and keeps it once the file is written. Steps run one after another. */
  private change<R>(step: (ledger: Ledger) => R): Promise<R> {
    const done = this.last.then(async () => {
      const changed = new Map(this.pairs);
      const result = step(ledgerOver(changed));
      if (!samePairs(changed, this.pairs)) await this.write(changed);
      return result;
    });
    this.last = done.catch(() => {});
    return done;
  }

  private async write(pairs: Map<string, Pair>): Promise<void> {
    await replaceFile(this.path, this.render(pairs), () => {
      if (fingerprint(this.path) !== this.seen)
        throw new FulcrumError(
          'conflict',
          `${this.path} was changed by another process while this one used it; nothing was overwritten. ` +
            'A FileStore is for one process: start again, or use a shared store.',
        );
    });
    this.seen = fingerprint(this.path);
    this.pairs = pairs;
    for (const id of this.entries.keys()) if (!pairs.has(id)) this.entries.delete(id);
  }

  private render(pairs: ReadonlyMap<string, Pair>): string {
    const entries: Record<string, PythonState> = {};
    for (const [id, pair] of pairs)
      if (pair.state !== null) entries[id] = pythonState(pair.state, this.entries.get(id));
    return `${JSON.stringify(entries, null, 2)}\n`;
  }
}

function ledgerOver(pairs: Map<string, Pair>): Ledger {
  const refuse = (what: string) => (): never => {
    throw new FulcrumError('usage', `a FileStore keeps no ${what}: use the embedded store or Redis`);
  };
  return {
    get: (_tenant, pairId) => pairs.get(pairId) ?? null,
    put: (_tenant, { pair }) => void pairs.set(pair.pairId, pair),
    delete: (_tenant, pairId) => void pairs.delete(pairId),
    appendOutbox: refuse('outbox'),
    isApplied: refuse('positions'),
    setApplied: refuse('positions'),
    isDuplicate: refuse('event ids'),
    setDuplicate: refuse('event ids'),
    duePairs: () => [],
  };
}

function readEntries(path: string): Map<string, PythonState> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new FulcrumError('store_corrupt', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  // The Python package takes an empty file as a store without pairs.
  if (text.trim() === '') return new Map();
  const corrupt = (what: string, cause?: unknown): FulcrumError =>
    new FulcrumError(
      'store_corrupt',
      `${path} is not a trust state file: ${what}. It was left as it is; mend it, or move it away to start anew.`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw corrupt(messageOf(cause), cause);
  }
  const file = z.record(z.string(), pythonStateSchema).safeParse(json);
  if (!file.success) {
    const [issue] = file.error.issues;
    throw corrupt(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, file.error);
  }
  const entries = new Map<string, PythonState>();
  for (const [key, entry] of Object.entries(file.data)) {
    // The id is worked out from the names: a stored one may come from a version that spelt it otherwise.
    const id = makePairId(entry.agent_a, entry.agent_b);
    if (entries.has(id)) throw corrupt(`${key} is a second entry for the same two agents`);
    entries.set(id, entry);
  }
  return entries;
}

/** States are frozen and replaced, so a step that changed nothing left the very same ones. */
function samePairs(a: ReadonlyMap<string, Pair>, b: ReadonlyMap<string, Pair>): boolean {
  return a.size === b.size && [...a].every(([id, pair]) => b.get(id)?.state === pair.state);
}

/** Tells whether a file was replaced or written to. */
function fingerprint(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'absent' : `${stat.ino}/${stat.size}/${stat.mtimeNs}/${stat.ctimeNs}`;
}

/**
 * Writes beside the file, syncs, and renames: whoever reads sees the old file or the new one, whole.
 *
 * @param check throws when the file must not be replaced; called right before it would be.
 */
async function replaceFile(path: string, text: string, check: () => void): Promise<void> {
  const target = statSync(path, { throwIfNoEntry: false });
  const place = target === undefined ? path : realpathSync(path);
  const beside = `${place}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', target?.mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    check();
    renameSync(beside, place);
    await syncFolder(dirname(place));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Makes the rename outlast a loss of power where the system lets us. The state is replaced either way. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Not every folder can be opened and synced, and there is nothing left to undo.
  }
}
