import { createHash } from 'node:crypto';
import type { ModelRequest } from '../ports.js';

/** Names a request: what is asked of which model. */
export function requestId(model: string, { system, user, maxAnswerTokens }: ModelRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([model, system, user, maxAnswerTokens]))
    .digest('hex');
}

/** The answers given last, so many at most. */
export class AnswerCache {
  readonly #texts = new Map<string, string>();

  /** @param entries 0: nothing is kept */
  constructor(readonly entries: number) {}

  get(id: string): string | undefined {
    const text = this.#texts.get(id);
    if (text !== undefined) this.set(id, text);
    return text;
  }

  set(id: string, text: string): void {
    if (this.entries === 0) return;
    // A map keeps the order of insertion: what was used last is its last.
    this.#texts.delete(id);
    this.#texts.set(id, text);
    if (this.#texts.size <= this.entries) return;
    const [oldest] = this.#texts.keys();
    if (oldest !== undefined) this.#texts.delete(oldest);
  }
}
