import type { LogSource } from '#dist/ports.js';

const mostAtOnce = 500;
const waitMs = 100;

/** Reads a source in the background until it is closed. */
export function listen(source: LogSource, heard: (body: Uint8Array) => void): void {
  void (async () => {
    for (;;) {
      const batch = await source.read(mostAtOnce, waitMs);
      if (batch === null) return;
      for (const { body } of batch.messages) heard(body);
      await batch.ack();
    }
  })();
}
