/** Decoding and validating interaction events, beside JSON.parse alone of the same bytes. */
import { defaultLimits } from '../dist/events/delivered.js';
import { decodeInteraction } from '../dist/events/interaction.js';
import { events } from './events.mjs';
import { median, rate } from './machine.mjs';

const count = 200_000;

export async function benchDecode(runs) {
  const bodies = events(count, 5_000);
  const deliver = (body, sequence) => ({
    body,
    headers: {},
    headerPrefix: 'ce-',
    tenant: null,
    position: { source: 'bench', sequence },
    receivedAt: 1_800_000_000,
  });
  const ours = await median(runs, () =>
    rate(() => {
      for (let i = 0; i < count; i++) {
        const event = decodeInteraction(deliver(bodies[i], i), defaultLimits);
        if ('rule' in event) throw new Error(event.rule);
      }
      return count;
    }),
  );
  const decoder = new TextDecoder();
  const parse = await median(runs, () =>
    rate(() => {
      let sum = 0;
      for (const body of bodies) sum += JSON.parse(decoder.decode(body)).data.outcome.length;
      return sum > 0 ? count : 0;
    }),
  );
  return {
    name: 'decode and validate a CloudEvent',
    unit: 'events/s',
    ours,
    beside: { name: 'JSON.parse alone', rate: parse.median },
  };
}
