/** At most so many things under way at a time. */
export class InFlight {
  private count = 0;
  private roomAgain = (): void => {};

  constructor(private readonly most: number) {}

  /** Resolves when there is room for another one. */
  async add(work: Promise<unknown>): Promise<void> {
    this.count++;
    void work.finally(() => {
      this.count--;
      this.roomAgain();
    });
    if (this.count >= this.most)
      await new Promise<void>((resolve) => {
        this.roomAgain = resolve;
      });
  }
}
