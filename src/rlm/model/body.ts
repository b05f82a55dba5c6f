import { ModelError } from './error.js';

/**
 * The body of a response as text, as far as it may go: an endpoint that never ends is no reason to run out of memory.
 * @throws ModelError `model_wrong` beyond `mostBytes`
 */
export async function readBounded(response: Response, mostBytes: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > mostBytes)
      throw new ModelError('model_wrong', `the answer of the endpoint has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
