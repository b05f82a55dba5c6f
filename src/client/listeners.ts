/** Those who listen to events of one kind each, by name. */
export class Listeners<Events extends Record<keyof Events, readonly unknown[]>> {
  private readonly byName: { [Name in keyof Events]?: Set<(...args: Events[Name]) => void> } = {};

  /** Returns what ends the listening. */
  add<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    const listeners = this.byName[name] ?? new Set();
    this.byName[name] = listeners;
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  tell<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.byName[name] ?? []) {
      try {
        listener(...args);
      } catch (error) {
        // A listener's mistake is its owner's, and not to keep the others from hearing.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
