import { describe } from 'vitest';
import { agreesWithTheModel } from './store/agreement.js';
import { announces } from './store/announce.js';
import { appliesInteractions } from './store/apply.js';
import { opensOnAChange } from './store/change.js';
import { appliesCommands } from './store/command.js';
import { makesWhatIsDue } from './store/due.js';
import { expires } from './store/expiry.js';
import { keepsAnOutbox } from './store/outbox.js';
import { tellsPositionsApart } from './store/positions.js';
import { answersReaders } from './store/read.js';
import type { StoreUnderTest } from './store/under-test.js';

/** The contract of the port `TrustStore`, on one of its implementations. */
export function describeTrustStore(under: StoreUnderTest): void {
  describe(`a TrustStore: ${under.name}`, () => {
    appliesInteractions(under);
    tellsPositionsApart(under);
    appliesCommands(under);
    keepsAnOutbox(under);
    announces(under);
    makesWhatIsDue(under);
    answersReaders(under);
    opensOnAChange(under);
    if (under.hasClock) expires(under);
    agreesWithTheModel(under);
  });
}
