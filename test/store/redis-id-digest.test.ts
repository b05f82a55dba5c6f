import { expect, test } from 'vitest';
import { idBytes, writeIdDigest } from '../../src/store/redis/id-digest.js';

const view = new DataView(new ArrayBuffer(idBytes));

/** The digest as one number of 48 bits. */
function digestOf(key: string): number {
  writeIdDigest(key, view, 0);
  return view.getUint32(0) * 2 ** 16 + view.getUint16(4);
}

test('ids that differ in little have digests that have nothing in common', () => {
  const ids = Array.from(
    { length: 300_000 },
    (_, i) => `https://agents.example/fleet\nrun-${i % 1_000}/step-${i}`,
  );
  // Of so many the chance of one collision is 1.6e-4; of their middle 32 bits ten would be expected.
  const digests = ids.map(digestOf);
  expect(new Set(digests).size).toBe(ids.length);
  const middles = new Set(digests.map((digest) => Math.floor(digest / 2 ** 8) % 2 ** 32));
  expect(ids.length - middles.size).toBeLessThan(30);
});

test('every bit is set in about half of the digests', () => {
  const counts = new Array<number>(48).fill(0);
  for (let i = 0; i < 10_000; i++) {
    let digest = digestOf(`e${i}`);
    for (let bit = 0; bit < 48; bit++) {
      counts[bit] = (counts[bit] ?? 0) + (digest % 2);
      digest = Math.floor(digest / 2);
    }
  }
  for (const count of counts) expect(Math.abs(count - 5_000)).toBeLessThan(300);
});
