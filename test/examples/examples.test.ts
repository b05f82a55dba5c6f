import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

/** Runs an example to its end; returns what it printed. */
async function run(name: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [`${folder}${name}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let complained = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complained += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${printed}${complained}`);
  return printed;
}

/** What each example has to print, in this order. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  '01-quick-start.mjs': [
    /call 1: failure, trust 0\.333/,
    /call 2: failure, trust 0\.250 is below 0\.3: stop/,
  ],
  '02-persistence.mjs': [/before the restart: trust 0\.667/, /after it: trust 0\.667 from 4 interactions/],
  '03-gratitude-loop.mjs': [
    /with trust: trust circuit open/,
    /calls without trust: 50, with trust: ([1-9]|1[0-5]),/,
  ],
  '04-drift-detection.mjs': [/round 0: quality 1\.00/, /drift detected in round \d+ of 120/],
  '05-recovery.mjs': [
    /told of worker: state 2, trust 0\.250/,
    /recovered: CLOSED, trust 0\.941 from 15 calls/,
  ],
  '07-langgraph.mjs': [/trust in writer: 0\.333/, /circuit of writer opened/, /ended after 1 reviews/],
  '09-shadow-mode.mjs': [
    /opened at trust 0\.250, enforced: false/,
    /isOpen in shadow mode: false/,
    /switched on: TrustCircuitOpen/,
  ],
  '10-custom-store.mjs': [/20 interactions in 1 row/],
};

describe('the examples', () => {
  it.each(Object.entries(expected))('%s prints what it shows', async (name, lines) => {
    const printed = await run(name);
    let at = 0;
    for (const line of lines) {
      const found = printed.slice(at).search(line);
      expect(found, `${line} in\n${printed}`).toBeGreaterThanOrEqual(0);
      at += found;
    }
  });

  it('are all here', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });
});

describeWithServer('nats', 'the example of a fleet', () => {
  it('has all callers stop calling the bad worker within a second', async () => {
    const { url } = await startNats({ own: true });
    const printed = await run('06-fleet/main.mjs', url);
    expect(printed.match(/caller-\d stopped calling worker-2/g)).toHaveLength(3);
    const last = Number(/the last of them: (\d+) ms/.exec(printed)?.[1]);
    // Far below a second where nothing else runs; how long is for the one who reads it.
    expect(last).toBeLessThan(5_000);
    expect(printed.match(/, 0 calls of worker-2 after it had stopped/g)).toHaveLength(3);
  }, 60_000);
});
