// Shadow mode: circuits are computed and published, and nobody has to stop. So a policy is tried before it is trusted; then
// it is switched on while everything runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectFleet } from 'fulcrum-trust/client';

const folder = mkdtempSync(join(tmpdir(), 'fulcrum-example-'));
const config = join(folder, 'fulcrum.yaml');
const policies = (enforced) =>
  `policies:\n  - name: trial\n    match: { agents: [planner, '*'] }\n    enforced: ${enforced}\n`;
writeFileSync(config, policies(false));

// Everything in one process of its own, as `npx fulcrum-trust up` would run it.
const cli = new URL('./cli.js', import.meta.resolve('fulcrum-trust'));
const up = spawn(
  process.execPath,
  [cli.pathname, 'up', '--port', '0', '--data', join(folder, 'data'), '--config', config, '--json'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const [line] = await once(createInterface(up.stdout), 'line');
const { url } = JSON.parse(line);

const fleet = await connectFleet({ http: url, whenStale: 'failOpen' });
const change = (type) => new Promise((resolve) => fleet.circuits.on(type, resolve));

const opened = change('opened');
for (let i = 0; i < 2; i++) await fleet.report('planner', 'coder', 'failure');
const { trustScore, enforced } = await opened;
console.log(`opened at trust ${trustScore.toFixed(3)}, enforced: ${enforced}`);
console.log(`isOpen in shadow mode: ${fleet.circuits.isOpen('planner', 'coder')}`);

// The file is looked at twice a second; a policy acts from a pair's next update on.
writeFileSync(config, policies(true));
for (let round = 1, live = false; !live; round++) {
  const agent = `tester-${round}`;
  const openedNow = change('opened');
  for (let i = 0; i < 2; i++) await fleet.report('planner', agent, 'failure');
  live = (await openedNow).enforced;
  if (!live) await sleep(100);
  else {
    const answer = await fleet.guard('planner', agent, async () => 'called').catch((error) => error.name);
    console.log(`switched on: ${answer}`);
  }
}

await fleet.close();
up.kill('SIGTERM');
await once(up, 'exit');
rmSync(folder, { recursive: true });
