import type { TrustConfig } from './config.js';

/** A named trust config, as it applies to a pair. */
export interface Policy {
  readonly name: string;
  /** Version of the document that the policy stands in; circuit events carry it. */
  readonly version: number;
  readonly config: TrustConfig;
  /** false: shadow mode, circuits are computed and published and nobody has to stop. */
  readonly enforced: boolean;
}
