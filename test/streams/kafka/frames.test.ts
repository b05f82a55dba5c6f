import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { Frames, inFrames } from '../../../src/streams/kafka/frames.js';

function frame(body: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

const bodies = fc.array(fc.uint8Array({ minLength: 4, maxLength: 40 }), { maxLength: 8 });
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 });

test('responses come whole and in order however they are cut, and half a one does not come', () => {
  fc.assert(
    fc.property(bodies, cuts, fc.integer({ min: 0, max: 3 }), (given, sizes, missing) => {
      const sent = Buffer.concat(given.map((body) => frame(Buffer.from(body))));
      const arrived = sent.subarray(0, sent.length - missing);
      const frames = new Frames();
      const got: Buffer[] = [];
      for (let at = 0, i = 0; at < arrived.length; i++) {
        const next = at + (sizes[i % sizes.length] as number);
        got.push(...frames.push(arrived.subarray(at, next)));
        at = next;
      }
      const last = given.at(-1);
      const whole = missing === 0 || last === undefined ? sent.length : sent.length - 4 - last.length;
      expect(Buffer.concat(got)).toEqual(sent.subarray(0, whole));
    }),
  );
});

test.each([-1, 0, 3])('a length of %d is not believed', (length) => {
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(length);
  expect(() => new Frames().push(prefix)).toThrow(RangeError);
});

/** The end of a connection that is read in frames, and the other end. */
async function connected(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void listener.close());
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  const client = inFrames(connect(address.port, '127.0.0.1'));
  const [server] = await once(listener, 'connection');
  return { client, server };
}

test('a socket that breaks off in a response gives what came whole, then its end', async () => {
  const { client, server } = await connected();
  const got: Buffer[] = [];
  client.on('data', (data) => void got.push(data));
  const first = frame(Buffer.from('first'));
  server.write(first);
  server.end(frame(Buffer.from('second')).subarray(0, 7));
  await once(client, 'end');
  expect(Buffer.concat(got)).toEqual(first);
});

test('a socket that speaks no Kafka is closed', async () => {
  const { client, server } = await connected();
  client.on('data', () => {});
  server.write(Buffer.alloc(8, 0xff));
  const [error] = await once(client, 'error');
  expect(error).toBeInstanceOf(RangeError);
});
