/**
 * A bounded memory of keys, in two generations: when the young one is full it becomes the old one and what
 * the old one held is forgotten. So between `generationSize` and twice as many of the newest are known.
 */
export class RecentKeys {
  private young = new Set<string>();
  private old = new Set<string>();

  constructor(private readonly generationSize: number) {}

  has(key: string): boolean {
    return this.young.has(key) || this.old.has(key);
  }

  add(key: string): void {
    if (this.young.size >= this.generationSize) {
      this.old = this.young;
      this.young = new Set();
    }
    this.young.add(key);
  }
}
