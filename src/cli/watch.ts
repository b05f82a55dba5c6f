import type { Command } from 'commander';
import type { StreamItem } from '../client/http.js';
import { type BrokerItem, watchCircuits } from '../client/watch.js';
import type { PairView } from '../events/answers.js';
import type { CircuitEvent } from '../events/schemas.js';
import { type ClientFlags, clientOf, clientOptions } from './options.js';
import { circuitLine, colourOf, colours, note, print, printJson, showTime } from './output.js';
import { withBroker } from './remote.js';

interface WatchFlags extends ClientFlags {
  tenant?: string;
}

export function watchCommand(program: Command): void {
  clientOptions(
    program
      .command('watch')
      .summary('follow circuit events as they come')
      .description('Prints the circuits that are not closed now, then every change, until it is stopped.')
      .option('-t, --tenant <tenant>', 'only this tenant'),
  ).action(async (flags: WatchFlags) => {
    const stopped = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
    const connection = new Told();
    const watched = await withBroker(flags, async (broker) => {
      for await (const item of watchCircuits(broker, flags.tenant, stopped.signal)) {
        connection.hear(item);
        if (item.kind === 'circuit') showEvent(item.event, flags);
        else if (item.kind === 'known') for (const event of item.events) showEvent(event, flags);
      }
      return true;
    });
    if (watched !== null) return;
    for await (const item of clientOf(flags).watch(flags.tenant, stopped.signal)) {
      connection.hear(item);
      if (item.kind === 'circuit') showEvent(item.event, flags);
      else if (item.kind === 'circuits') for (const circuit of item.circuits) showCircuit(circuit, flags);
    }
  });
}

/** Says what becomes of the connection, each thing once. */
class Told {
  private connected: boolean | null = null;

  hear(item: BrokerItem | StreamItem): void {
    switch (item.kind) {
      case 'disconnected':
        if (this.connected !== false) note(`${item.error.message}; trying again`);
        this.connected = false;
        return;
      case 'invalid':
        note('what is no circuit event was skipped');
        return;
      default:
        if (this.connected !== true)
          note(this.connected === null ? 'watching (stop with Ctrl-C)' : 'connected again');
        this.connected = true;
    }
  }
}

function showCircuit(circuit: PairView, { json }: WatchFlags): void {
  if (json === true) {
    printJson(circuit);
    return;
  }
  const { circuit_state: state, agent_a, agent_b, last_updated } = circuit;
  const when = colours.dim(showTime(last_updated));
  print(`${when}  ${colourOf(state)(state.padEnd(10))}  ${agent_a} ↔ ${agent_b}  as it stands`);
}

function showEvent(event: CircuitEvent, { json }: WatchFlags): void {
  if (json === true) printJson(event);
  else print(circuitLine(event, showTime(event.data.occurred_at)));
}
