/** CLOSED: traffic flows. OPEN: stop. HALF_OPEN: a probe may try. TERMINATED: an operator stopped the pair. */
export const circuitStates = ['CLOSED', 'OPEN', 'HALF_OPEN', 'TERMINATED'] as const;

/** CLOSED: traffic flows. OPEN: stop. HALF_OPEN: a probe may try. TERMINATED: an operator stopped the pair. */
export type CircuitState = (typeof circuitStates)[number];

export interface Circuit {
  readonly circuitState: CircuitState;
  /** When the circuit last opened under a cooldown, seconds since the epoch; null if it never did. */
  readonly openedAt: number | null;
}

/**
 * What one judged score does to a circuit.
 *
 * @param below the score after the update is below the threshold.
 * @param t the time of the judgement, seconds since the epoch.
 * @param cooldown seconds an opened circuit stays OPEN before a probe; null: it closes when the score is back.
 */
export function judge(circuit: Circuit, below: boolean, t: number, cooldown: number | null): Circuit {
  const { circuitState, openedAt } = circuit;
  if (circuitState === 'TERMINATED') return circuit;
  if (cooldown === null) {
    if (below && circuitState === 'CLOSED') return { circuitState: 'OPEN', openedAt };
    if (!below && circuitState !== 'CLOSED') return { circuitState: 'CLOSED', openedAt };
    return circuit;
  }
  switch (circuitState) {
    case 'CLOSED':
      return below ? { circuitState: 'OPEN', openedAt: t } : circuit;
    case 'OPEN':
      if (openedAt === null) return { circuitState, openedAt: t };
      return t - openedAt >= cooldown ? { circuitState: 'HALF_OPEN', openedAt } : circuit;
    case 'HALF_OPEN':
      return below ? { circuitState: 'OPEN', openedAt: t } : { circuitState: 'CLOSED', openedAt };
  }
}
