import { DebugEvents, Events, type JetStreamManager, type NatsConnection } from 'nats';
import { FulcrumError } from '../../errors.js';
import { isAuthenticationCode, requestFailure } from './errors.js';

export type StatusLevel = 'info' | 'warn' | 'error';

/** Told of what an operator wants to know: one line, and how bad it is. */
export type OnStatus = (line: string, level: StatusLevel) => void;

/** Told how the connection fares. */
export interface LinkListener {
  down?(): void;
  up?(): void;
  /** The server refused a message to this subject that nobody waits for. */
  refused?(subject: string): void;
  /** It is about to be closed. */
  closing?(): Promise<void>;
}

/** The connection, and whether it is there just now. */
export class Link {
  private readonly listeners = new Set<LinkListener>();
  private downSince: number | null = null;
  private refusal = false;
  private closing = false;

  private constructor(
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly onStatus: OnStatus,
  ) {
    void this.watch();
    // Nothing is told of the end itself to those who watch.
    void connection.closed().then(() => this.ended());
  }

  static async over(connection: NatsConnection, onStatus: OnStatus): Promise<Link> {
    return new Link(connection, await connection.jetstreamManager({ checkAPI: false }), onStatus);
  }

  get up(): boolean {
    return this.downSince === null && !this.connection.isClosed();
  }

  /** e.g. `nats at 127.0.0.1:4222`. */
  get name(): string {
    return `nats at ${this.connection.getServer()}`;
  }

  /** @throws FulcrumError `unavailable` while there is no connection */
  require(): void {
    if (!this.up) throw this.away();
  }

  /** What fails because there is no connection. */
  away(): FulcrumError {
    const why = this.connection.isClosed() ? 'is closed' : 'is lost and tried again by itself';
    return new FulcrumError('unavailable', `${this.name}: the connection ${why}`);
  }

  /** Asks the server. @throws FulcrumError that says what was asked, and why it failed */
  async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    this.require();
    try {
      return await request();
    } catch (error) {
      throw requestFailure(`${this.name}: ${what}`, error);
    }
  }

  /** Returns what ends the listening. */
  listen(listener: LinkListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells those who listen, sends what is still to be sent, then closes; does not wait for a silent server. */
  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    // One that cannot give back what it holds must not keep the connection open.
    await Promise.allSettled([...this.listeners].map((listener) => listener.closing?.()));
    if (this.up) {
      const patience = new Promise((resolve) => setTimeout(resolve, 1_000).unref());
      await Promise.race([this.connection.flush().catch(() => {}), patience]);
    }
    await this.connection.close();
  }

  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === Events.Disconnect) this.wentDown();
      else if (status.type === Events.Reconnect) this.cameUp();
      else if (status.type === Events.LDM)
        this.onStatus(`${this.name} is about to stop: going to another server`, 'info');
      else if (status.type === Events.Error) {
        if (isAuthenticationCode(status.data)) this.wasRefused();
        const subject = status.permissionContext?.subject;
        if (subject !== undefined) for (const listener of this.listeners) listener.refused?.(subject);
      } else if (status.type === DebugEvents.StaleConnection)
        this.onStatus(`${this.name} answers no more: connecting anew`, 'warn');
    }
  }

  private ended(): void {
    this.downSince ??= performance.now();
    for (const listener of this.listeners) listener.down?.();
  }

  private wentDown(): void {
    if (this.downSince !== null || this.closing) return;
    this.downSince = performance.now();
    this.onStatus(`${this.name} is lost: trying again until it is back`, 'warn');
    for (const listener of this.listeners) listener.down?.();
  }

  private cameUp(): void {
    if (this.downSince === null) return;
    const seconds = ((performance.now() - this.downSince) / 1_000).toFixed(1);
    this.downSince = null;
    this.refusal = false;
    this.onStatus(`${this.name} is back after ${seconds} s`, 'info');
    for (const listener of this.listeners) listener.up?.();
  }

  private wasRefused(): void {
    if (this.refusal) return;
    this.refusal = true;
    this.onStatus(`${this.name} refuses the credentials: trying again until it takes them`, 'error');
  }
}
