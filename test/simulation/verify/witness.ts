import type { BusWatch } from '../bus/bus.js';
import type { Log, Logged } from '../bus/log.js';
import { shardOf } from '../store/client.js';
import type { StoreServer } from '../store/server.js';
import type { World } from '../world.js';

/** Watches what must not happen even for a moment. */
export class Witness implements BusWatch {
  deadLetters: Log | null = null;
  private readonly published_ = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly servers: readonly StoreServer[],
    private readonly fail: (what: string) => void,
  ) {}

  acknowledged({ source, channel }: Log, { sequence }: Logged): void {
    const place = `${source}/${sequence}`;
    if (this.servers.some(({ everApplied }) => everApplied.has(place))) return;
    if (this.deadLetters?.messages.some(({ id }) => id === `simulated:${place}`) === true) return;
    // Commands have no positions; what they come to is looked at in the end.
    if (channel === 'commands') return;
    this.fail(`${place} is acknowledged, and neither applied nor a dead letter`);
  }

  /**
   * One relay at a time: what is overtaken and not in the outbox any more is published only by one whose lease has
   * lapsed. (What is still there is published again by whoever comes next, and what comes after it, too.)
   */
  published({ channel }: Log, { id, tenant, key, by, again }: Logged): void {
    if (channel !== 'circuits') return;
    const pair = `${tenant}/${key}`;
    const number = Number(id.slice(id.lastIndexOf('/') + 1));
    const highest = this.published_.get(pair) ?? 0;
    this.published_.set(pair, Math.max(highest, number));
    if (number >= highest || again) return;
    const server = shardOf(this.servers, key);
    const readAtMs = server.readAtMs.get(`${by} ${id}`);
    const heldMs = this.world.nowMs - (readAtMs ?? 0);
    if (readAtMs === undefined || heldMs > server.rules.leaseMs || server.restartsWithLoss > 0) return;
    // A request to remove it that was given up may have come through after it was read again.
    if (server.network.lateRequest > 0 || server.holds(id)) return;
    this.fail(`${by} had the lease for ${id}, published it after ${highest}, and it was gone`);
  }
}
