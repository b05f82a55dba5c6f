import { describe, expect, it } from 'vitest';
import { CallSignals } from '../../src/client/signals.js';

describe('the signals of calls', () => {
  it('fire for the calls of their pair that run, and for no other', () => {
    const signals = new CallSignals();
    const [first, second, other] = [signals.begin('a'), signals.begin('a'), signals.begin('b')];
    const over = signals.begin('a');
    signals.end('a', over);
    expect(new Set([first, second, over, other]).size).toBe(4);
    const reason = new Error('open');
    signals.abort('a', reason);
    expect([first, second, other, over].map(({ signal }) => signal.aborted)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(first.signal.reason).toBe(reason);
    for (const controller of [first, second]) signals.end('a', controller);
    expect(signals.begin('a').signal.aborted).toBe(false);
  });

  it('serve one call of their pair after the other, but never those that somebody listens to', () => {
    const signals = new CallSignals();
    const first = signals.begin('a');
    signals.end('a', first);
    expect(signals.begin('b')).not.toBe(first);
    expect(signals.begin('a')).toBe(first);
    first.signal.addEventListener('abort', () => {});
    signals.end('a', first);
    expect(signals.begin('a')).not.toBe(first);
  });

  it('are no longer anybody’s once their call is over', () => {
    const signals = new CallSignals();
    const first = signals.begin('a');
    signals.end('a', first);
    signals.abort('a', new Error('open'));
    expect(first.signal.aborted).toBe(false);
  });
});
