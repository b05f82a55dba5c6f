import type { Lease } from '../ports.js';

/** The right to be the probe, renewed while the call runs. */
export class HeldProbe {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly lease: Lease) {}

  async take(): Promise<boolean> {
    if (!(await this.lease.hold())) return false;
    // One that is lost to another meanwhile cannot be helped: both say the same number.
    const renew = (): void => void this.lease.hold().catch(() => {});
    this.timer = setInterval(renew, this.lease.lastsMs / 3).unref();
    return true;
  }

  /** The call is over. The right stays until it lapses: its report has yet to move the circuit. */
  done(): void {
    clearInterval(this.timer);
  }

  /** The call says nothing of the pair: another may be the probe. */
  giveUp(): void {
    clearInterval(this.timer);
    void this.lease.release().catch(() => {});
  }
}
