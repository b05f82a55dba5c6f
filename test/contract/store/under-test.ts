import { onTestFinished } from 'vitest';
import type { Clock, TrustStore } from '../../../src/ports.js';

export interface StoreSettings {
  /** Seconds since the epoch, for what expires. */
  readonly clock?: Clock;
  readonly replaySpan?: number;
}

/** How the suite gets a store of one kind. */
export interface StoreUnderTest {
  readonly name: string;
  /** A new, empty store. */
  open(settings?: StoreSettings): Promise<TrustStore>;
  /** Closes the store and opens what it left behind; absent where nothing is left. */
  reopen?(store: TrustStore, settings?: StoreSettings): Promise<TrustStore>;
  /** The highest position that was applied; absent where the store does not say. */
  lastApplied?(store: TrustStore, source: string): number;
  /** Pairs lie in several places, so what concerns different pairs has no order. @defaultValue false */
  readonly scattered?: boolean;
  /** How many random stories it is held to. @defaultValue 300 */
  readonly runs?: number;
  /** The store takes `settings.clock`; false where expiry is somebody else's. */
  readonly hasClock: boolean;
}

/** Opens a store that is closed when the test is done. */
export async function openFor(under: StoreUnderTest, settings?: StoreSettings): Promise<TrustStore> {
  const store = await under.open(settings);
  onTestFinished(() => store.close());
  return store;
}
