/** Clients that are closed when the process is told to stop, so that what was reported is sent. */
interface Closable {
  flush(options: { readonly withinMs: number }): Promise<void>;
  close(options: { readonly withinMs: number }): Promise<void>;
  readonly closed: Promise<void>;
}

const open = new Set<Closable>();
const signals = ['SIGINT', 'SIGTERM'] as const;
/** How long a process that is told to stop stays for that, in ms. */
const withinMs = 2_000;

/**
 * Closes a client on SIGINT and SIGTERM, then lets the signal do what it would have done. Where the program listens to
 * the signal itself, it decides about its end: the client only sends what it has.
 */
export function closeOnExit(client: Closable): void {
  if (open.size === 0) for (const signal of signals) process.on(signal, stop);
  open.add(client);
  void client.closed.then(() => {
    open.delete(client);
    if (open.size === 0) for (const signal of signals) process.off(signal, stop);
  });
}

function stop(signal: NodeJS.Signals): void {
  const clients = [...open];
  if (process.listenerCount(signal) > 1) {
    for (const client of clients) client.flush({ withinMs }).catch(() => {});
    return;
  }
  void Promise.allSettled(clients.map((client) => client.close({ withinMs }))).then(() => {
    process.off(signal, stop);
    process.kill(process.pid, signal);
  });
}
