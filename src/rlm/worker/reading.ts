/** Messages of one look at a source. */
export const readAtATime = 512;
/** How long a source is waited for, in ms. */
export const readWaitMs = 500;
