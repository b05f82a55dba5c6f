// Trust between two agents in one process: nothing to install, nothing to run beside it.
import { TrustCircuitOpen, TrustManager, TrustOutcome } from 'fulcrum-trust';

const trust = new TrustManager();

/** An agent that cannot do what it is asked to. */
const codeAgent = async () => ({ error: 'no such file' });

for (let call = 1; ; call++) {
  const answer = await codeAgent();
  const outcome = 'error' in answer ? TrustOutcome.FAILURE : TrustOutcome.SUCCESS;
  try {
    const { trustScore } = await trust.evaluate('orchestrator', 'code-agent', outcome, {
      raiseOnBreak: true,
    });
    console.log(`call ${call}: ${outcome}, trust ${trustScore.toFixed(3)}`);
  } catch (error) {
    if (!(error instanceof TrustCircuitOpen)) throw error;
    console.log(
      `call ${call}: ${outcome}, trust ${error.trustScore.toFixed(3)} is below ${error.threshold}: stop`,
    );
    break;
  }
}
