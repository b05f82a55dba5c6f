/** Those who wait for something to happen. */
export class Waiting {
  private readonly waiting = new Set<() => void>();

  /** Resolves when it happens, or after the time in ms. */
  wait(maxWaitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, maxWaitMs);
      this.waiting.add(go);
    });
  }

  wake(): void {
    for (const go of [...this.waiting]) go();
  }
}

/** Waits for a promise at most so long, whatever becomes of it. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.then(noMatter, noMatter), timeout]);
  clearTimeout(timer);
}

function noMatter(): void {}

const pauseMs = 100;

/** Tries again, for so long, while the failure is one that may pass by itself. */
export async function patiently<T>(
  patienceMs: number,
  work: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
): Promise<T> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
