import { agentEventBody } from '../../events/agent.js';
import type { AgentEvent, AgentTelemetry } from '../../ports.js';
import { checkOptions } from './check-options.js';
import { openConnection } from './connect.js';
import { Link, type OnStatus } from './link.js';
import type { NatsOptions } from './options.js';
import { token } from './subjects.js';

/** Events that wait for a connection that is lost, at most; the oldest are let go first. */
const mostWaiting = 10_000;

/** Tells of agents on subjects of core NATS, over a connection of its own that is kept up for ever. */
export class NatsTelemetry implements AgentTelemetry {
  private waiting: AgentEvent[] = [];
  private lost = 0;
  private refused = false;

  private constructor(
    private readonly link: Link,
    private readonly onStatus: OnStatus,
  ) {
    link.listen({ up: () => this.catchUp(), refused: (subject) => this.wasRefused(subject) });
  }

  /** @throws FulcrumError `config`, `denied` or `unavailable` */
  static async connect(options: NatsOptions, onStatus: OnStatus): Promise<NatsTelemetry> {
    checkOptions(options);
    const told: OnStatus = (line, level) => onStatus(`telemetry of agents: ${line}`, level);
    return new NatsTelemetry(await Link.over(await openConnection(options), told), told);
  }

  /** Does not fail: core NATS promises nothing. While the connection is lost, events wait for it. */
  publish(event: AgentEvent): void {
    if (this.link.up) this.send(event);
    else {
      this.waiting.push(event);
      if (this.waiting.length > mostWaiting) {
        this.waiting.shift();
        this.lost++;
      }
    }
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private catchUp(): void {
    const { waiting, lost } = this;
    this.waiting = [];
    this.lost = 0;
    if (lost > 0) this.onStatus(`${lost} events were let go while the connection was lost`, 'warn');
    for (const event of waiting) this.send(event);
  }

  private send(event: AgentEvent): void {
    this.link.connection.publish(agentSubject(event.agentId), agentEventBody(event));
  }

  private wasRefused(subject: string): void {
    if (this.refused) return;
    this.refused = true;
    this.onStatus(`may not publish to ${subject}: grant fulcrum.trust.agent.*.event to this user`, 'error');
  }
}

/** The ecosystem's, whatever our own subjects begin with. */
export function agentSubject(agentId: string): string {
  return `fulcrum.trust.agent.${token(agentId)}.event`;
}
