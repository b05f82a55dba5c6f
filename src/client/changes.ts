/** Changes that wait for one reader, who may be slow. */
export class Changes<T> implements AsyncIterableIterator<T> {
  private waiting: T[] = [];
  private wake: (() => void) | null = null;
  private ended = false;

  /**
   * @param most that wait; of more, the oldest go
   * @param onEnd called once, when the reader is done or the source ends
   * @param onDropped called for each that goes unread
   */
  constructor(
    private readonly most: number,
    private readonly onEnd: () => void,
    private readonly onDropped: () => void,
  ) {}

  push(change: T): void {
    if (this.ended) return;
    this.waiting.push(change);
    if (this.waiting.length > this.most) {
      this.waiting.shift();
      this.onDropped();
    }
    this.wake?.();
  }

  /** What waits is still read, then reading ends. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
    this.wake?.();
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      const [change] = this.waiting;
      if (change !== undefined) {
        this.waiting.shift();
        return { done: false, value: change };
      }
      if (this.ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = null;
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.waiting = [];
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
