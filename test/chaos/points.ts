/** Where in its work a processor can be told to die or to freeze; `hook.mjs` has the places. */
export const points = [
  'before-apply',
  'after-apply',
  'before-publish',
  'after-publish',
  'before-acknowledge',
  'after-acknowledge',
  'before-delete',
  'after-delete',
] as const;

export type Point = (typeof points)[number];

/** What a processor is told to do when it comes to a point. */
export interface Order {
  readonly point: Point;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** So many times it passes the point before. */
  readonly skip: number;
}
