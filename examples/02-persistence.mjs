// Trust that outlasts the process, in the JSON file of the Python package.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore, TrustManager, TrustOutcome } from 'fulcrum-trust';

const folder = mkdtempSync(join(tmpdir(), 'fulcrum-example-'));
const path = join(folder, 'trust_state.json');

const before = new TrustManager({ store: new FileStore(path) });
for (let i = 0; i < 3; i++) await before.evaluate('planner', 'coder', TrustOutcome.SUCCESS);
await before.evaluate('planner', 'coder', TrustOutcome.FAILURE);
console.log(`before the restart: trust ${(await before.getTrustScore('planner', 'coder')).toFixed(3)}`);
await before.close();

// As a process that starts later would.
const after = new TrustManager({ store: new FileStore(path) });
const state = await after.getState('planner', 'coder');
console.log(`after it: trust ${state?.trustScore.toFixed(3)} from ${state?.interactionCount} interactions`);
await after.close();

rmSync(folder, { recursive: true });
