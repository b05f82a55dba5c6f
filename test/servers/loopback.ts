import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const loopback = '127.0.0.1';

/** Below the ports that the system gives to clients: one of those could take a server's while it restarts. */
const [firstPort, lastPort] = [12_000, 32_000];

/** What was given away, if not yet listened on. */
const given = new Set<number>();

/** A port of loopback that nobody listens on, another one with each call. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, loopback);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

export interface Question {
  readonly host: string;
  readonly port: number;
  /** Sent when connected; without it the server speaks first. */
  readonly say?: string;
  /** By TLS, whoever signed the certificate. */
  readonly tls?: boolean;
}

/**
 * The first line that a server says.
 *
 * @throws Error when nobody listens, or nothing comes within a second
 */
export async function firstLine({ host, port, say, tls }: Question): Promise<string> {
  const socket: Socket = tls
    ? connectTls({ host, port, rejectUnauthorized: false })
    : connectPlain({ host, port });
  socket.setEncoding('utf8').setTimeout(1000, () => socket.destroy(new Error('no answer within a second')));
  try {
    if (say !== undefined) socket.write(say);
    let said = '';
    for await (const chunk of socket) {
      said += chunk;
      const end = said.indexOf('\r\n');
      if (end >= 0) return said.slice(0, end);
    }
    throw new Error('the connection was closed without an answer');
  } finally {
    socket.destroy();
  }
}
