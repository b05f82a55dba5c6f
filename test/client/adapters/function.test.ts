import { describe, expect, it } from 'vitest';
import { trustAware } from '../../../src/client/adapters/function.js';
import { TrustManager } from '../../../src/index.js';

describe('a function under trust', () => {
  it('is called until its circuit opens, and then refuses', async () => {
    let calls = 0;
    const ask = trustAware(
      (_question: string) => {
        calls++;
        return { error: 'no answer' };
      },
      { trust: new TrustManager(), agents: ['a', 'b'] },
    );
    await ask('1');
    await ask('2');
    await expect(ask('3')).rejects.toMatchObject({
      name: 'TrustCircuitOpen',
      trustScore: expect.closeTo(0.25),
      threshold: 0.3,
    });
    expect(calls).toBe(2);
  });

  it('says of each call who calls whom, and counts what throws', async () => {
    const trust = new TrustManager();
    const ask = trustAware(
      async (worker: string) => {
        if (worker === 'bad') throw new Error('it broke');
        return { text: 'done' };
      },
      { trust, agents: (worker) => ['pool', worker] },
    );
    expect(await ask('good')).toEqual({ text: 'done' });
    await expect(ask('bad')).rejects.toThrow('it broke');
    expect(await trust.getState('pool', 'good')).toMatchObject({ alpha: 2, beta: 1 });
    expect(await trust.getState('pool', 'bad')).toMatchObject({ alpha: 1, beta: 2 });
  });

  it('is judged by its first argument and its answer', async () => {
    const trust = new TrustManager();
    const text = 'a text that is long enough to tell';
    const polish = trustAware((draft: { text: string }) => draft, { trust, agents: ['a', 'b'] });
    await polish({ text });
    expect(await trust.getState('a', 'b')).toMatchObject({ alpha: 1.5, beta: 1.5 });
  });
});
