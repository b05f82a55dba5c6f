import type { Msg } from 'nats';

/** Messages that came and were not read yet, and who waits for them. */
export class Prefetched {
  /** Of the bodies. */
  bytes = 0;
  private messages: Msg[] = [];
  private wakeUp: (() => void) | null = null;

  /** Oldest first. */
  get all(): readonly Msg[] {
    return this.messages;
  }

  get length(): number {
    return this.messages.length;
  }

  add(message: Msg): void {
    this.messages.push(message);
    this.bytes += message.data.length;
    this.wake();
  }

  take(max: number): Msg[] {
    const taken = this.messages.splice(0, max);
    for (const { data } of taken) this.bytes -= data.length;
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
