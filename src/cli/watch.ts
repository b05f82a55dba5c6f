import type { Command } from 'commander';
import { watchCircuits } from '../client/watch.js';
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
    const watched = await withBroker(flags, async (broker) => {
      for await (const item of watchCircuits(broker, flags.tenant, stopped.signal)) {
        if (item.kind === 'circuit') showEvent(item.event, flags);
        else {
          note('watching (stop with Ctrl-C)');
          for (const event of item.events) showEvent(event, flags);
        }
      }
      return true;
    });
    if (watched !== null) return;
    let connected: boolean | null = null;
    for await (const item of clientOf(flags).watch(flags.tenant, stopped.signal)) {
      if (item.kind === 'disconnected') {
        if (connected !== false) note(`${item.error.message}; trying again`);
        connected = false;
        continue;
      }
      if (connected !== true) note(connected === null ? 'watching (stop with Ctrl-C)' : 'connected again');
      connected = true;
      if (item.kind === 'circuit') {
        showEvent(item.event, flags);
      } else {
        for (const circuit of item.circuits) {
          if (flags.json === true) {
            printJson(circuit);
            continue;
          }
          const state = circuit.circuit_state;
          const when = colours.dim(showTime(circuit.last_updated));
          print(
            `${when}  ${colourOf(state)(state.padEnd(10))}  ${circuit.agent_a} ↔ ${circuit.agent_b}  as it stands`,
          );
        }
      }
    }
  });
}

function showEvent(event: CircuitEvent, { json }: WatchFlags): void {
  if (json === true) printJson(event);
  else print(circuitLine(event, showTime(event.data.occurred_at)));
}
