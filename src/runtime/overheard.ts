import type { LogSource, SourceMessage } from '../ports.js';
import type { MemoryTopic } from '../streams/memory.js';

const contentKey = '"content"';

/**
 * A source of which another reader hears what may carry content, as soon as it is read. Who reads the source never waits for
 * that other.
 *
 * @param onMissed told when the other is too far behind to be handed more, once until it can again
 */
export function overheard(source: LogSource, other: MemoryTopic, onMissed: () => void): LogSource {
  let missing = false;
  return {
    name: source.name,
    system: source.system,
    headerPrefix: source.headerPrefix,
    logs: () => source.logs(),
    progress: () => source.progress(),
    close: () => source.close(),
    read: async (maxMessages, maxWaitMs) => {
      const batch = await source.read(maxMessages, maxWaitMs);
      const said = batch?.messages.filter(mayHaveContent) ?? [];
      if (said.length === 0) return batch;
      const missed = !other.pass(said.map(withoutSender));
      if (missed && !missing) onMissed();
      missing = missed;
      return batch;
    },
  };
}

function mayHaveContent({ body }: SourceMessage): boolean {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(contentKey);
}

/** The sender is told by the one that applies it. */
function withoutSender({ settle: _, ...message }: SourceMessage): SourceMessage {
  return message;
}
