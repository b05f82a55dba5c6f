import type { TranscriptBounds } from './ports.js';

const mebibyte = 1024 * 1024;

/**
 * Ten million tokens are some 70 MB of text, so the longest transcript that is analysed fits in one pair; a circuit that
 * opened before a long weekend can still be explained after it; and a fleet of thousands of pairs stays on one machine.
 */
export const defaultTranscriptBounds: TranscriptBounds = {
  bytesPerPair: 128 * mebibyte,
  maxAgeSeconds: 7 * 86_400,
  bytesInTotal: 8_192 * mebibyte,
};

/** UTF-8 bytes of a text: what the bounds count. */
export function textBytes(text: string): number {
  return Buffer.byteLength(text);
}
