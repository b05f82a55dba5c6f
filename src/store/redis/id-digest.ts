/** Bytes that a pair remembers of an event id. */
export const idBytes = 6;

/**
 * Writes 6 bytes that stand for an event id: two lanes over its UTF-16 units, each finished as in MurmurHash3, three
 * bytes of each. Nobody is kept from making two ids of one digest: whoever may publish could send the id itself.
 */
export function writeIdDigest(key: string, view: DataView, at: number): void {
  let a = 0x9e3779b1;
  let b = 0x85ebca77;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 0xcc9e2d51);
    b = Math.imul(b ^ unit, 0x1b873593);
    a = (a << 15) | (a >>> 17);
    b = (b << 13) | (b >>> 19);
  }
  a = finished(a ^ key.length);
  b = finished(b ^ a);
  view.setUint32(at, a);
  view.setUint16(at + 4, b);
}

/** The finalizer of MurmurHash3, 32 bits. */
function finished(lane: number): number {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
