/** Interaction events as CloudEvents, three failures in ten, over so many pairs; all at one time. */
export function events(count, pairs) {
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      `{"specversion":"1.0","id":"e${i}","source":"bench","type":"fulcrum.trust.interaction.v1",` +
        `"time":"2026-11-22T00:00:00Z","data":{"agent_a":"a${i % pairs}","agent_b":"b",` +
        `"outcome":"${(i * 7919) % 10 < 3 ? 'failure' : 'success'}"}}`,
    ),
  );
}
