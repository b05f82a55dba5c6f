// An agent that gets a little worse with every one of 120 rounds: trust notices long before it is useless.
import { TrustManager, TrustOutcome } from 'fulcrum-trust';

const rounds = 120;
const trust = new TrustManager({ config: { threshold: 0.4 } });

const qualityAt = (round) => Math.max(0, 1 - 0.015 * round);

function outcomeOf(quality) {
  if (quality >= 0.7) return TrustOutcome.SUCCESS;
  return quality >= 0.3 ? TrustOutcome.PARTIAL : TrustOutcome.FAILURE;
}

for (let round = 0; round < rounds; round++) {
  const quality = qualityAt(round);
  const { trustScore } = await trust.evaluate('orchestrator', 'worker', outcomeOf(quality));
  if (round % 10 === 0)
    console.log(`round ${round}: quality ${quality.toFixed(2)}, trust ${trustScore.toFixed(3)}`);
  if (await trust.shouldTerminate('orchestrator', 'worker')) {
    console.log(
      `drift detected in round ${round} of ${rounds}: quality ${quality.toFixed(2)}, trust ${trustScore.toFixed(3)}`,
    );
    break;
  }
}
