/** What one atomic step has to do to be as if it had never been, the last of it first. */
export type Undo = (() => void)[];

/** A map whose changes can be taken back. */
export class Kept<K, V> {
  private readonly values = new Map<K, V>();

  /** @param undo of the step under way */
  constructor(private readonly undo: () => Undo) {}

  get(key: K): V | undefined {
    return this.values.get(key);
  }

  has(key: K): boolean {
    return this.values.has(key);
  }

  set(key: K, value: V): void {
    this.remember(key);
    this.values.set(key, value);
  }

  delete(key: K): boolean {
    if (!this.values.has(key)) return false;
    this.remember(key);
    return this.values.delete(key);
  }

  get size(): number {
    return this.values.size;
  }

  entries(): [K, V][] {
    return [...this.values];
  }

  keys(): K[] {
    return [...this.values.keys()];
  }

  private remember(key: K): void {
    const { values } = this;
    const known = values.has(key);
    const before = values.get(key) as V;
    this.undo().push(() => {
      if (known) values.set(key, before);
      else values.delete(key);
    });
  }
}
