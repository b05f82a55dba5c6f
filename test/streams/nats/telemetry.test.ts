import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Msg } from 'nats';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { AgentEvent } from '../../../src/ports.js';
import { agentSubject, NatsTelemetry } from '../../../src/streams/nats/telemetry.js';
import { describeWithNats } from '../../servers/describe.js';
import { freePort, loopback } from '../../servers/loopback.js';
import { type NatsServer, startNats } from '../../servers/nats.js';
import { connectionTo, optionsFor } from './given.js';

/** A way to a server that can be closed while the server stays up. */
class Road {
  private readonly sockets = new Set<Socket>();
  private server = createServer();

  private constructor(
    private readonly target: number,
    private readonly port: number,
  ) {}

  static async to(target: number): Promise<Road> {
    const road = new Road(target, await freePort());
    await road.open();
    return road;
  }

  get url(): string {
    return `nats://${loopback}:${this.port}`;
  }

  async open(): Promise<void> {
    this.server = createServer((near) => {
      const far = connect(this.target, loopback);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => {}).on('close', () => near.destroy() && far.destroy());
      }
      near.pipe(far).pipe(near);
    });
    this.server.listen(this.port, loopback);
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

const event: AgentEvent = {
  agentId: 'coder',
  state: 2,
  trustScore: 1 / 7,
  pairId: '0123456789abcdef',
  timestamp: 1_700_000_000.25,
};

it('percent-encodes in subjects what a token cannot hold', () => {
  expect(agentSubject('a.b *>%\t:ü')).toBe('fulcrum.trust.agent.a%2Eb%20%2A%3E%25%09:ü.event');
});

describeWithNats(
  'telemetry on NATS',
  (version) => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats({ version });
    });

    /** Messages to a subject, from now on. */
    async function listen(subject: string): Promise<AsyncIterator<Msg>> {
      const connection = await connectionTo(server.url);
      const subscription = connection.subscribe(subject);
      await connection.flush();
      return subscription[Symbol.asyncIterator]();
    }

    async function next(messages: AsyncIterator<Msg>): Promise<{ subject: string; data: unknown }> {
      const { value } = (await messages.next()) as { value: Msg };
      return { subject: value.subject, data: value.json() };
    }

    it('says how an agent stands', async () => {
      const messages = await listen('fulcrum.trust.agent.*.event');
      const telemetry = await NatsTelemetry.connect(optionsFor(server.url), () => {});
      onTestFinished(() => telemetry.close());
      telemetry.publish(event);
      telemetry.publish({ ...event, agentId: 'a.b c', state: 0 });
      expect(await next(messages)).toEqual({
        subject: 'fulcrum.trust.agent.coder.event',
        data: {
          agent_id: 'coder',
          circuit_state: 2,
          circuit_state_name: 'ISOLATED',
          trust_score: 0.142857,
          pair_id: '0123456789abcdef',
          timestamp: 1_700_000_000.25,
        },
      });
      expect(await next(messages)).toMatchObject({
        subject: 'fulcrum.trust.agent.a%2Eb%20c.event',
        data: { agent_id: 'a.b c', circuit_state: 0, circuit_state_name: 'TRUSTED' },
      });
    });

    it('survives a lost connection, and tells then what came meanwhile', async () => {
      const road = await Road.to(server.port);
      onTestFinished(() => road.close());
      const said = new EventEmitter();
      const telemetry = await NatsTelemetry.connect(optionsFor(road.url), (line) =>
        said.emit(/^telemetry of agents: .*? is (lost|back)/.exec(line)?.[1] ?? 'other'),
      );
      onTestFinished(() => telemetry.close());
      const messages = await listen('fulcrum.trust.agent.*.event');
      const lost = once(said, 'lost');
      await road.close();
      await lost;
      for (const agentId of ['first', 'second']) telemetry.publish({ ...event, agentId });
      const back = once(said, 'back');
      await road.open();
      await back;
      telemetry.publish({ ...event, agentId: 'third' });
      for (const agent_id of ['first', 'second', 'third'])
        expect(await next(messages)).toMatchObject({ data: { agent_id } });
    });

    it('says once when it may not publish', async () => {
      const guarded = await startNats({
        version,
        config: 'authorization { users: [ { user: u, password: p, permissions: { publish: "other" } } ] }',
      });
      const url = guarded.url.replace('://', '://u:p@');
      const refused = new Promise<string>((resolve) => {
        void NatsTelemetry.connect(optionsFor(url), (line) => resolve(line)).then((telemetry) => {
          onTestFinished(() => telemetry.close());
          telemetry.publish(event);
        });
      });
      expect(await refused).toMatch(/may not publish to fulcrum\.trust\.agent\.coder\.event: grant/);
    });
  },
  { own: true },
);
