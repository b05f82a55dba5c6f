import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
import type { EventSource } from '../../../src/ports.js';
import { analyzeTranscript } from '../../../src/rlm/analyze.js';
import type { AnalysisStore, TranscriptStore } from '../../../src/rlm/ports.js';
import type { Analyze } from '../../../src/rlm/worker/work.js';
import type { MemoryTopic } from '../../../src/streams/memory.js';
import { until } from '../../processor/given.js';
import { failingFirst } from '../../processor/wrappers.js';
import {
  asked,
  event,
  loop,
  opened,
  pairId,
  said,
  start,
  startAnalyser,
  tenant,
  unacknowledged,
  withoutPauses,
} from './given.js';

withoutPauses();

const byRules: Analyze = (transcript) => analyzeTranscript(transcript);

/** Waits for something while pauses pass. */
async function ended(work: Promise<void>): Promise<void> {
  let isOver = false;
  void work.then(() => {
    isOver = true;
  });
  await until(() => isOver);
}

/** Its transcripts, of which sessions are listed by way of `sessions`. */
function listedBy(transcripts: TranscriptStore, sessions: TranscriptStore['sessions']): TranscriptStore {
  return {
    add: (turns) => transcripts.add(turns),
    sessions,
    turns: (...of) => transcripts.turns(...of),
    close: () => {},
  };
}

/** Its analyses, of which one is kept by way of `keep`. */
function keptBy(analyses: AnalysisStore, keep: AnalysisStore['keep']): AnalysisStore {
  return {
    keep,
    latest: (...of) => analyses.latest(...of),
    isMade: (...of) => analyses.isMade(...of),
  };
}

/** A topic that takes no acknowledgement any more once it is closed, as a group does that was left. */
function leftForGood(topic: MemoryTopic): EventSource {
  const { name, system, headerPrefix } = topic;
  let left = false;
  return {
    name,
    system,
    headerPrefix,
    read: async (...of) => {
      const batch = await topic.read(...of);
      return batch && { ...batch, ack: (done) => (left ? undefined : batch.ack(done)) };
    },
    close: () => {
      left = true;
      topic.close();
    },
  };
}

describe('a question that comes again', () => {
  it('is acknowledged, and its answer is not published again', async () => {
    const { circuits, results } = startAnalyser();
    const question = opened('said-4', start - 56);
    await circuits.send([question]);
    await until(() => unacknowledged(circuits) === 0);
    await circuits.send([question]);
    await until(() => unacknowledged(circuits) === 0);
    expect(results).toHaveLength(1);
  });

  it('after a kill between publishing and keeping is answered under the same id', async () => {
    const question = opened('said-4', start - 56);
    const first = startAnalyser(({ analyses }) => ({
      // It never comes to keep what it has published.
      analyses: keptBy(analyses, () => new Promise(() => {})),
    }));
    await first.circuits.send([question]);
    await until(() => first.results.length === 1);
    await ended(first.analyser.stop(0));
    expect(unacknowledged(first.circuits)).toBe(1);

    const { analyses } = first;
    const second = startAnalyser(() => ({}), { analyses });
    await second.circuits.send([question]);
    await until(() => unacknowledged(second.circuits) === 0);
    expect(second.results.map(({ id }) => id)).toEqual(first.results.map(({ id }) => id));
    expect(await analyses.latest(tenant, pairId)).toMatchObject({ result: { id: first.results[0]?.id } });
  });
});

describe('while something is away', () => {
  it('a question waits unacknowledged until its result is published, and kept', async () => {
    const given = startAnalyser(({ sink, analyses }) => {
      const publish = failingFirst(3, (...args: Parameters<typeof sink.publish>) => sink.publish(...args));
      const keep = failingFirst(3, (...args: Parameters<typeof analyses.keep>) => analyses.keep(...args));
      const whileOpen = <A extends readonly unknown[], R>(work: (...args: A) => R): ((...args: A) => R) => {
        return (...args) => {
          expect(unacknowledged(given.circuits)).toBe(1);
          return work(...args);
        };
      };
      return { sink: { publish: whileOpen(publish) }, analyses: keptBy(analyses, whileOpen(keep)) };
    });
    await given.circuits.send([opened('said-4', start - 56)]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(given.failures).toEqual(['publish an analysis', 'keep an analysis']);
    expect(given.results).toHaveLength(1);
    expect(await given.analyses.latest(tenant, pairId)).not.toBeNull();
  });

  it.each(['unavailable', 'denied'] as const)(
    'transcripts that are %s are asked again, and no analysis says that nothing was said',
    async (code) => {
      let calls = 0;
      const given = startAnalyser(({ transcripts }) => ({
        transcripts: listedBy(transcripts, (...of) => {
          if (calls++ < 3) throw new FulcrumError(code, 'not just now');
          return transcripts.sessions(...of);
        }),
      }));
      await given.interactions.send(said(loop(), start - 60));
      await until(() => unacknowledged(given.interactions) === 0);
      await given.circuits.send([opened('said-4', start - 56)]);
      await until(() => unacknowledged(given.circuits) === 0);
      expect(given.results).toMatchObject([{ verdict: 'repetition' }]);
    },
  );
});

it('a store that was closed under it ends the analyser, and nothing is acknowledged', async () => {
  const closed = new FulcrumError('store_closed', 'it was closed');
  const { circuits, running } = startAnalyser(({ transcripts }) => ({
    transcripts: listedBy(transcripts, () => Promise.reject(closed)),
  }));
  let failed: unknown = null;
  running.catch((error: unknown) => {
    failed = error;
  });
  await circuits.send([opened('said-4', start - 56)]);
  await until(() => failed !== null);
  expect(failed).toBe(closed);
  expect(unacknowledged(circuits)).toBe(1);
});

describe('an analysis that fails', () => {
  it('is inconclusive with the reason, and the next one is made', async () => {
    const analyze: Analyze = (transcript, signal) =>
      transcript.session === 'first'
        ? Promise.reject(new TypeError('a mistake'))
        : byRules(transcript, signal);
    const { interactions, requests, results } = startAnalyser(() => ({ analyze }));
    await interactions.send([
      ...said(loop(), start - 60, { session_id: 'first', id: 'first' }),
      ...said(loop(), start - 60, { session_id: 'second', id: 'second' }),
    ]);
    await until(() => unacknowledged(interactions) === 0);
    await requests.send([asked({ session_id: 'first' }), asked({ session_id: 'second' })]);
    await until(() => unacknowledged(requests) === 0);
    expect(results.map(({ session_id, verdict }) => [session_id, verdict]).sort()).toEqual([
      ['first', 'inconclusive'],
      ['second', 'repetition'],
    ]);
    expect(results.find(({ session_id }) => session_id === 'first')).toMatchObject({
      summary: expect.stringContaining('a mistake'),
      would_close: false,
      evidence: [],
    });
  });

  it('for a transcript beyond the budget names both numbers', async () => {
    const { interactions, circuits, results } = startAnalyser(() => ({
      analyze: (transcript) => analyzeTranscript(transcript, { tokenBudget: 20 }),
    }));
    await interactions.send(said(loop(), start - 60));
    await until(() => unacknowledged(interactions) === 0);
    await circuits.send([opened('said-4', start - 56)]);
    await until(() => unacknowledged(circuits) === 0);
    expect(results).toMatchObject([{ verdict: 'inconclusive', session_id: 'default' }]);
    expect(results[0]?.summary).toMatch(/\b20\b/);
    expect(results[0]?.summary).toMatch(/\b(2[1-9]|[3-5]\d)\b/);
  });
});

describe('a question that takes long', () => {
  it('holds up no other, as long as there is room', async () => {
    const begun = new Set<string>();
    const { interactions, requests, results } = startAnalyser(() => ({
      atOnce: 2,
      analyze: (transcript, signal) => {
        begun.add(transcript.session);
        return transcript.session === 'long' ? new Promise(() => {}) : byRules(transcript, signal);
      },
    }));
    const sessions = ['long', 'one', 'two', 'three'];
    await interactions.send(
      sessions.flatMap((session) => said(loop(), start - 60, { session_id: session, id: session })),
    );
    await until(() => unacknowledged(interactions) === 0);
    await requests.send(sessions.map((session) => asked({ session_id: session })));
    await until(() => results.length === 3);
    expect([...begun]).toEqual(sessions);
    expect(results.map(({ session_id }) => session_id)).toEqual(['one', 'two', 'three']);
  });

  it('leaves with the broker what there is no room for', async () => {
    const begun: string[] = [];
    const { circuits, requests } = startAnalyser(() => ({
      atOnce: 1,
      transcripts: {
        add: () => {},
        sessions: () => [{ session: 'default', turns: 1, bytes: 1, lastAt: start }],
        turns: async function* () {},
        close: () => {},
      },
      analyze: (transcript) => {
        begun.push(transcript.id);
        return new Promise(() => {});
      },
    }));
    await requests.send([asked(), asked(), asked()]);
    await until(() => begun.length === 1);
    // Another reads what is left.
    expect((await requests.read(10, 0))?.messages).toHaveLength(2);
    await circuits.send([opened('x', start)]);
    await nextTurn();
    expect(begun).toHaveLength(1);
  });
});

describe('an analyser that is stopped', () => {
  it('finishes what is under way and leaves unacknowledged what it has not begun', async () => {
    const begun: string[] = [];
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { circuits, results, analyser, running } = startAnalyser((parts) => ({
      circuits: leftForGood(parts.circuits),
      atOnce: 1,
      analyze: async (transcript, signal) => {
        begun.push(transcript.id);
        await finished;
        return byRules(transcript, signal);
      },
      transcripts: {
        add: () => {},
        sessions: () => [{ session: 'default', turns: 1, bytes: 1, lastAt: start }],
        turns: async function* () {},
        close: () => {},
      },
    }));
    await circuits.send([1, 2, 3].map((i) => opened('x', start - i)));
    await until(() => begun.length === 1);
    const stopped = analyser.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    finish();
    await ended(stopped);
    await running;
    expect(begun).toHaveLength(1);
    expect(results.map(({ id }) => id)).toEqual(begun);
    circuits.redeliver();
    expect((await circuits.read(10, 0))?.messages).toHaveLength(2);
  });

  it('gives up after the grace what does not end', async () => {
    let under: AbortSignal | null = null;
    const given = startAnalyser(() => ({
      analyze: (_, signal) => {
        under = signal;
        return new Promise(() => {});
      },
    }));
    await given.interactions.send(said(loop(), start - 60));
    await until(() => unacknowledged(given.interactions) === 0);
    await given.circuits.send([opened('said-4', start - 56)]);
    await until(() => under !== null);
    await ended(given.analyser.stop(5_000));
    await given.running;
    expect(under).toMatchObject({ aborted: true });
    expect(given.results).toEqual([]);
    expect(unacknowledged(given.circuits)).toBe(1);
  });

  it('ends by itself when its sources have ended', async () => {
    const { interactions, circuits, requests, running } = startAnalyser();
    await interactions.send([event({ agent_a: 'ann', agent_b: 'bob', outcome: 'success' })]);
    for (const source of [interactions, circuits, requests]) source.close();
    await expect(running).resolves.toBeUndefined();
    expect(unacknowledged(interactions)).toBe(0);
  });
});
