export const storeNames = ['memory', 'folder', 'redis'] as const;

/** A store of transcripts that is measured. */
export type StoreName = (typeof storeNames)[number];
