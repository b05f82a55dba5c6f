import { startKafka } from '../servers/kafka.js';
import { startNats } from '../servers/nats.js';
import type { TestServer } from '../servers/server.js';

/** Starts a broker of either kind. The address is what `--nats` or `--kafka` takes. */
export async function startBroker(
  source: 'nats' | 'kafka',
  options: { readonly own?: true } = {},
): Promise<{ readonly server: TestServer; readonly address: string }> {
  if (source === 'nats') {
    const server = await startNats(options);
    return { server, address: server.url };
  }
  const server = await startKafka(options);
  return { server, address: server.brokers.join(',') };
}
