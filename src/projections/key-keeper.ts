import type { AgentKeys, AgentKeysFound, AgentKeyTexts } from '../ports.js';
import type { AgentBook } from './agent-book.js';
import { keyTexts, writtenByOthers } from './key-texts.js';
import { agentsAtATime } from './rounds.js';

/** Told which keys others had written when they were put right. */
export type ForeignWritesListener = (found: readonly AgentKeysFound[]) => void;

/** Keeps the keys of agents as a book says: what changed at once, all of them when they are compared. */
export class KeyKeeper {
  private changed = new Set<string>();
  private readonly left = new Map<string, AgentKeyTexts>();
  private wake: () => void = () => {};
  private writing: Promise<boolean> = Promise.resolve(true);

  constructor(
    private readonly keys: AgentKeys,
    private readonly book: AgentBook,
    private readonly onForeignWrites: ForeignWritesListener,
  ) {}

  /** These agents may stand otherwise now. */
  change(agents: Iterable<string>): void {
    for (const agent of agents) this.changed.add(agent);
    if (this.changed.size > 0) this.wake();
  }

  get hasChanges(): boolean {
    return this.changed.size > 0;
  }

  /** Resolves when something changed, or after this long. */
  async waitForChanges(mostMs: number, signal: AbortSignal): Promise<void> {
    if (this.hasChanges || signal.aborted || mostMs <= 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, mostMs);
      signal.addEventListener('abort', done, { once: true });
      this.wake = done;
    });
  }

  /** Puts the keys of what changed right. False: the lease is another's by now. What failed is still to be done. */
  write(): Promise<boolean> {
    const before = this.writing.catch(() => true);
    this.writing = before.then(() => this.writeChanged());
    return this.writing;
  }

  private async writeChanged(): Promise<boolean> {
    const agents = [...this.changed];
    this.changed = new Set();
    for (let from = 0; from < agents.length; from += agentsAtATime) {
      const some = agents.slice(from, from + agentsAtATime);
      try {
        if (!(await this.show(some)) || !(await this.withdraw(some))) return false;
      } catch (error) {
        // They may be written or not.
        for (const agent of some) this.left.delete(agent);
        this.change(agents.slice(from));
        throw error;
      }
    }
    return true;
  }

  private async show(agents: readonly string[]): Promise<boolean> {
    const texts = agents.flatMap((agent) => {
      const standing = this.book.standingOf(agent);
      return standing === null ? [] : [keyTexts(agent, standing)];
    });
    if (texts.length === 0) return true;
    const found = await this.keys.show(texts);
    if (found === null) return false;
    const foreign = writtenByOthers(found, this.left);
    for (const text of texts) this.left.set(text.agentId, text);
    if (foreign.length > 0) this.onForeignWrites(foreign);
    return true;
  }

  private async withdraw(agents: readonly string[]): Promise<boolean> {
    const released = agents.flatMap((agent) => {
      const standing = this.book.releasedFrom(agent);
      return standing === null ? [] : [{ agent, standing }];
    });
    if (released.length === 0) return true;
    const texts = released.map(({ agent, standing }) => keyTexts(agent, standing));
    if (!(await this.keys.withdraw(texts))) return false;
    for (const { agent, standing } of released) {
      this.left.delete(agent);
      this.book.settle(agent, standing);
    }
    return true;
  }
}
