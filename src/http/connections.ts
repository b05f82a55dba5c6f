import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Lets a server that closes come to its end when what it was asked is answered. Node ends the connections that are
 * idle at that moment; it waits for those that become idle later, and without end for those on which no request has
 * come yet, which clients open ahead of need.
 *
 * @param mostMs after this long, what is still connected is cut off.
 */
export function endConnections(server: FastifyInstance, mostMs: number): void {
  const silent = new Set<Socket>();
  let closing = false;
  server.server.on('connection', (socket) => {
    if (closing) socket.destroy();
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.server.on('request', ({ socket }) => silent.delete(socket));
  server.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  server.addHook('preClose', async () => {
    closing = true;
    for (const socket of silent) socket.destroy();
    setTimeout(() => server.server.closeAllConnections(), mostMs).unref();
  });
}
