/** The stores of transcripts that are measured, and what each holds. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { TranscriptStore } from '#dist/rlm/ports.js';
import { EmbeddedTranscripts } from '#dist/store/embedded/transcripts.js';
import { RedisTranscripts } from '#dist/store/redis/transcripts.js';
import { MemoryTranscripts } from '#dist/store/transcripts/memory.js';
import type { StoreName } from './names.js';

export interface MeasuredStore {
  readonly store: TranscriptStore;
  /** Bytes that it takes where it keeps: heap, file, or memory of Redis. */
  held(): Promise<number>;
  close(): Promise<void>;
}

/** @param place folder, or URL of Redis; nothing for memory */
export async function openStore(name: StoreName, place: string): Promise<MeasuredStore> {
  switch (name) {
    case 'memory': {
      const store = new MemoryTranscripts();
      return { store, held: async () => heapBytes(), close: async () => store.close() };
    }
    case 'folder': {
      const store = await EmbeddedTranscripts.open(place);
      const held = async () => statSync(join(place, 'data.mdb')).size;
      return { store, held, close: () => store.close() };
    }
    case 'redis': {
      const store = await RedisTranscripts.open({ url: place });
      const client = new Redis(place);
      const held = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
      const close = async () => {
        store.close();
        client.disconnect();
      };
      return { store, held, close };
    }
  }
}

function heapBytes(): number {
  if (gc === undefined) throw new Error('run it with --expose-gc: without, the heap says nothing');
  gc();
  return process.memoryUsage().heapUsed;
}
