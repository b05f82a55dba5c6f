/** What waits to be sent, in order; when there is no room the oldest goes. */
export class BoundedQueue<T> {
  private items: T[] = [];
  private head = 0;
  /** How many went unsent because newer ones needed their place. */
  dropped = 0;

  constructor(private readonly most: number) {}

  get length(): number {
    return this.items.length - this.head;
  }

  get first(): T | undefined {
    return this.items[this.head];
  }

  push(item: T): void {
    if (this.length >= this.most) {
      this.shift();
      this.dropped++;
    }
    this.items.push(item);
  }

  /** Takes the first out, if it is still `item`: it may have been dropped meanwhile. */
  remove(item: T): void {
    if (this.first === item) this.shift();
  }

  private shift(): void {
    this.head++;
    // Seldom, so that taking one out costs the same however many wait.
    if (this.head > 1_000 && 2 * this.head > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}
