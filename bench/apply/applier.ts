/** A way to bring events into Redis. Events are numbered from 0; each is applied once. */
export interface Applier {
  /** Makes events ahead of the time that is measured; the answer applies them. */
  prepare(first: number, count: number): () => Promise<void>;
  /** What is to be done between two runs, when so many events are applied. */
  settle(applied: number): Promise<void>;
  close(): Promise<void>;
}
