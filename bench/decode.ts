/** Decoding and validating interaction events, beside JSON.parse alone of the same bytes. */
import { type DeliveredEvent, defaultLimits } from '#dist/events/delivered.js';
import { isRejection } from '#dist/events/envelope.js';
import { decodeInteraction } from '#dist/events/interaction.js';
import { eventBodies } from './events.js';
import { rate, spreadOfRuns } from './measure/spread.js';
import type { Result } from './result.js';

const count = 200_000;

export async function benchDecode(runs: number): Promise<Result> {
  const delivered = eventBodies(count, 5_000).map(
    (body, sequence): DeliveredEvent => ({
      body,
      headers: {},
      headerPrefix: 'ce-',
      tenant: null,
      position: { source: 'bench', sequence },
      receivedAt: Date.now() / 1_000,
    }),
  );
  const ours = await spreadOfRuns(runs, () =>
    rate(() => {
      for (const event of delivered) {
        const decoded = decodeInteraction(event, defaultLimits);
        if (isRejection(decoded)) throw new Error(decoded.rule);
      }
      return count;
    }),
  );
  const decoder = new TextDecoder();
  const parse = await spreadOfRuns(runs, () =>
    rate(() => {
      let length = 0;
      for (const { body } of delivered) length += outcomeLength(decoder.decode(body));
      return length > 0 ? count : 0;
    }),
  );
  return {
    name: 'decode and validate a CloudEvent',
    unit: 'events/s',
    ours,
    beside: { name: 'JSON.parse alone', rate: parse.median },
  };
}

const outcomeLength = (text: string): number =>
  (JSON.parse(text) as { data: { outcome: string } }).data.outcome.length;
