// A circuit opens, somebody mends the agent and resets the pair, trust is built anew.
import { TrustManager, TrustOutcome } from 'fulcrum-trust';

const trust = new TrustManager({
  bridge: {
    publish: ({ agentId, state, trustScore }) =>
      console.log(`  told of ${agentId}: state ${state}, trust ${trustScore.toFixed(3)}`),
  },
});

console.log('the worker fails:');
while (!(await trust.shouldTerminate('orchestrator', 'worker')))
  await trust.evaluate('orchestrator', 'worker', TrustOutcome.FAILURE);
console.log(`open at trust ${(await trust.getTrustScore('orchestrator', 'worker')).toFixed(3)}`);

console.log('it is mended and reset:');
await trust.reset('orchestrator', 'worker');
console.log(`trust is the prior again: ${(await trust.getTrustScore('orchestrator', 'worker')).toFixed(3)}`);

for (let i = 0; i < 15; i++) await trust.evaluate('orchestrator', 'worker', TrustOutcome.SUCCESS);
const state = await trust.getState('orchestrator', 'worker');
console.log(
  `recovered: ${state?.circuitState}, trust ${state?.trustScore.toFixed(3)} from ${state?.interactionCount} calls`,
);
