import type { ApplyBatch, ApplyResult, CommandResult, CommandToApply } from '../../src/ports.js';
import { MemoryStore } from '../../src/store/memory.js';

/** A memory store that can be away for a while. */
export class LeavingStore extends MemoryStore {
  away = false;

  override apply(batch: ApplyBatch): readonly ApplyResult[] {
    this.mustBeHere();
    return super.apply(batch);
  }

  override command(command: CommandToApply): CommandResult {
    this.mustBeHere();
    return super.command(command);
  }

  override async *circuits(): ReturnType<MemoryStore['circuits']> {
    this.mustBeHere();
    yield* super.circuits();
  }

  private mustBeHere(): void {
    if (this.away) throw new Error('the store is away');
  }
}
