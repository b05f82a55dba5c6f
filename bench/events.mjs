/** Interaction events as CloudEvents, three failures in ten, over so many pairs, ten milliseconds apart. */
const startMs = Date.UTC(2026, 10, 22);

export function events(count, pairs) {
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      `{"specversion":"1.0","id":"e${i}","source":"bench","type":"fulcrum.trust.interaction.v1",` +
        `"time":"${new Date(startMs + 10 * i).toISOString()}","data":{"agent_a":"a${i % pairs}","agent_b":"b",` +
        `"outcome":"${(i * 7919) % 10 < 3 ? 'failure' : 'success'}"}}`,
    ),
  );
}
