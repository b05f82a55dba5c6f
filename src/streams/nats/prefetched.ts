import type { Delivered } from './messages.js';

/** Messages that came and were not read yet, and who waits for them. */
export class Prefetched {
  /** Of the bodies. */
  bytes = 0;
  private messages: Delivered[] = [];
  private wakeUp: (() => void) | null = null;

  /** Oldest first. */
  get all(): readonly Delivered[] {
    return this.messages;
  }

  get length(): number {
    return this.messages.length;
  }

  add(delivered: Delivered): void {
    this.messages.push(delivered);
    this.bytes += delivered.message.body.length;
    this.wake();
  }

  take(max: number): Delivered[] {
    const taken = this.messages.splice(0, max);
    for (const { message } of taken) this.bytes -= message.body.length;
    return taken;
  }

  /** Waits until something is added or `wake` is called, at most so long. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wakeUp = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wakeUp = done;
    });
  }

  wake(): void {
    this.wakeUp?.();
  }
}
