import type { BusWatch } from '../bus/bus.js';
import type { Log, Logged } from '../bus/log.js';
import { shardOf } from '../store/client.js';
import type { StoreServer } from '../store/server.js';
import type { World } from '../world.js';

/** Watches what must not happen even for a moment. */
export class Witness implements BusWatch {
  deadLetters: () => readonly Logged[] = () => [];
  private readonly published_ = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly servers: readonly StoreServer[],
    /** Requests may be done after they were given up: one to remove an entry may come through after it was read again. */
    private readonly lateRequests: boolean,
    private readonly fail: (what: string) => void,
  ) {}

  acknowledged({ source, channel }: Log, { sequence }: Logged): void {
    const place = `${source}/${sequence}`;
    if (this.servers.some(({ everApplied }) => everApplied.has(place))) return;
    if (this.deadLetters().some(({ id }) => id === `simulated:${place}`)) return;
    // Commands have no positions; what they come to is looked at in the end.
    if (channel === 'commands') return;
    this.fail(`${place} is acknowledged, and neither applied nor a dead letter`);
  }

  /**
   * One relay at a time. What is overtaken is published again by whoever finds it in the outbox, with what comes after
   * it. But where two had read it, one published and removed it and then the other published it, both within the time
   * of a lease, they had it at the same time.
   */
  published({ channel }: Log, { id, tenant, key, by, again }: Logged): void {
    if (channel !== 'circuits') return;
    const pair = `${tenant}/${key}`;
    const number = Number(id.slice(id.lastIndexOf('/') + 1));
    const highest = this.published_.get(pair) ?? 0;
    this.published_.set(pair, Math.max(highest, number));
    if (number >= highest || again) return;
    const server = shardOf(this.servers, key);
    const heldMs = this.world.nowMs - (server.readAtMs.get(`${by} ${id}`) ?? Number.NEGATIVE_INFINITY);
    if (this.lateRequests || server.restartsWithLoss > 0) return;
    if (heldMs <= server.rules.leaseMs && server.removedInTime.has(id))
      this.fail(`${by} published ${id} after ${highest}: two relays had it at a time`);
  }
}
