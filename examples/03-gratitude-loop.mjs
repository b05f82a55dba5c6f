// Two agents praise each other for ever: 50 rounds without trust, at most 15 with it.

import { TrustCircuitOpen, TrustManager, TrustOutcome } from 'fulcrum-trust';
import { trustAware } from 'fulcrum-trust/client';

const rounds = 50;
const praise = [
  'Thank you, that was very helpful!',
  'I could not agree more with your analysis.',
  'Excellent work, you are spot on.',
  'You put it better than I ever could.',
];

/** Says something nice and brings the task no further. */
const reply = async (round) => ({ text: praise[round % praise.length], progress: 0 });

async function withoutTrust() {
  let calls = 0;
  for (let round = 0; round < rounds; round++) {
    await reply(round);
    calls++;
  }
  return calls;
}

async function withTrust() {
  // Talk without progress is mostly unproductive here: it weighs more on the side of failure.
  const trust = new TrustManager({ config: { partialAlphaWeight: 0.2, partialBetaWeight: 0.8 } });
  const classifier = {
    classify: (_round, answer) => (answer.progress > 0 ? TrustOutcome.SUCCESS : TrustOutcome.PARTIAL),
  };
  const ask = trustAware(reply, { trust, agents: ['alpha', 'beta'], classifier });
  let calls = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      await ask(round);
      calls++;
    }
  } catch (error) {
    if (!(error instanceof TrustCircuitOpen)) throw error;
    console.log(`with trust: ${error.message}`);
  }
  return calls;
}

const [without, withIt] = [await withoutTrust(), await withTrust()];
console.log(`calls without trust: ${without}, with trust: ${withIt}, saved: ${without - withIt}`);
