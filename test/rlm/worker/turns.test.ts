import { describe, expect, it } from 'vitest';
import type { Turn } from '../../../src/rlm/transcript.js';
import { MemoryTranscripts } from '../../../src/store/transcripts/memory.js';
import { until } from '../../processor/given.js';
import { failingFirst } from '../../processor/wrappers.js';
import { event, pairId, said, start, startAnalyser, tenant, unacknowledged, withoutPauses } from './given.js';

withoutPauses();

const clock = () => start;

async function textsOf(transcripts: { turns: MemoryTranscripts['turns'] }): Promise<string[]> {
  const turns: Turn[] = [];
  for await (const turn of transcripts.turns({ tenant, pairId, session: 'default' })) turns.push(turn);
  return turns.map(({ text }) => text);
}

describe('what agents say', () => {
  it('is kept in order of time, and acknowledged', async () => {
    const transcripts = new MemoryTranscripts({ clock });
    const { interactions } = startAnalyser(() => ({ transcripts }));
    const [first, second] = said(['one', 'two'], start - 60);
    await interactions.send([second, first].filter((one) => one !== undefined));
    await until(() => unacknowledged(interactions) === 0);
    expect(await textsOf(transcripts)).toEqual(['one', 'two']);
  });

  it('is left out where there is no content, or no interaction', async () => {
    const transcripts = new MemoryTranscripts({ clock });
    const { interactions, sent } = startAnalyser(() => ({ transcripts }));
    await interactions.send([
      event({ agent_a: 'ann', agent_b: 'bob', outcome: 'success' }),
      event({ agent_a: 'ann', content: 'who is this for?', outcome: 'success' }),
      { body: Buffer.from('{"content": "broken'), headers: {} },
      ...said(['one'], start - 60),
    ]);
    await until(() => unacknowledged(interactions) === 0);
    expect(await textsOf(transcripts)).toEqual(['one']);
    // Dead letters of interactions are made by the processors, once.
    expect(sent).toEqual([]);
  });

  it('is kept once, however often it is delivered', async () => {
    const transcripts = new MemoryTranscripts({ clock });
    let acknowledgements = 0;
    const { interactions } = startAnalyser(({ interactions }) => ({
      transcripts,
      interactions: {
        name: 'interactions',
        system: 'memory',
        headerPrefix: 'ce-',
        close: () => interactions.close(),
        read: async (most, waitMs) => {
          const batch = await interactions.read(most, waitMs);
          // The first acknowledgement never arrives.
          return batch === null
            ? null
            : { ...batch, ack: () => (acknowledgements++ === 0 ? undefined : batch.ack()) };
        },
      },
    }));
    await interactions.send(said(['one', 'two'], start - 60));
    await until(() => acknowledgements === 1);
    interactions.redeliver();
    await until(() => unacknowledged(interactions) === 0);
    expect(await textsOf(transcripts)).toEqual(['one', 'two']);
  });

  it('waits in the broker while the transcripts cannot be reached', async () => {
    const transcripts = new MemoryTranscripts({ clock });
    const add = failingFirst(3, (turns: Parameters<MemoryTranscripts['add']>[0]) => transcripts.add(turns));
    const { interactions, failures } = startAnalyser(() => ({
      transcripts: {
        add: (turns) => {
          expect(unacknowledged(interactions)).toBe(2);
          add(turns);
        },
        sessions: (...of) => transcripts.sessions(...of),
        turns: (...of) => transcripts.turns(...of),
        close: () => {},
      },
    }));
    await interactions.send(said(['one', 'two'], start - 60));
    await until(() => unacknowledged(interactions) === 0);
    expect(await textsOf(transcripts)).toEqual(['one', 'two']);
    expect(failures).toEqual(['keep transcripts']);
  });
});
