/** What came of one interaction. */
export const TrustOutcome = Object.freeze({
  SUCCESS: 'success',
  FAILURE: 'failure',
  PARTIAL: 'partial',
} as const);

export type TrustOutcome = (typeof TrustOutcome)[keyof typeof TrustOutcome];

export const trustOutcomes = Object.values(TrustOutcome);
