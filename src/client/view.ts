/** What is known of all circuits of one tenant. Pure: no clock, no network. */
import { type CircuitChange, changeTo, type PairCircuit } from './circuit.js';

/** Of a change that was not heard of. */
const unknown = { occurredAt: null, cause: null } as const;

interface Known {
  readonly circuit: PairCircuit;
  /** Calls of the pair have to stop. */
  readonly stops: boolean;
}

/**
 * Circuits by the names of their pair, either one first. What is CLOSED is not among them: the look-up of most pairs
 * ends at the first name.
 */
export class CircuitView {
  private readonly byNames = new Map<string, Map<string, Known>>();
  /** By pair id, CLOSED ones too: a late repeat is told by its number. */
  private readonly latest = new Map<string, PairCircuit>();

  /** @param probes whether this client can become the probe of a pair; without, HALF_OPEN stops like OPEN. */
  constructor(private readonly probes: boolean) {}

  stops(agentA: string, agentB: string): boolean {
    return this.byNames.get(agentA)?.get(agentB)?.stops === true;
  }

  /** The circuit of a pair; undefined when it is CLOSED, for all that is known. */
  get(agentA: string, agentB: string): PairCircuit | undefined {
    return this.byNames.get(agentA)?.get(agentB)?.circuit;
  }

  /** Circuits that are not CLOSED. */
  *notClosed(): IterableIterator<PairCircuit> {
    for (const circuit of this.latest.values()) if (circuit.state !== 'CLOSED') yield circuit;
  }

  /** Takes a change in; false when it is a repeat, or came late. */
  take(change: CircuitChange): boolean {
    const before = this.latest.get(change.pairId);
    if (before !== undefined && before.transition >= change.transition) return false;
    this.set(change);
    return true;
  }

  /** Takes a circuit in whose change was not told; null when it is no news. */
  learn(circuit: PairCircuit): CircuitChange | null {
    const before = this.latest.get(circuit.pairId);
    if (before !== undefined && before.transition >= circuit.transition) return null;
    this.set(circuit);
    return { ...circuit, type: changeTo[circuit.state], from: before?.state ?? 'CLOSED', ...unknown };
  }

  /** Takes in that these are all circuits that are not CLOSED: others have closed, nobody told when. */
  learnAll(circuits: readonly PairCircuit[]): CircuitChange[] {
    const listed = new Set(circuits.map(({ pairId }) => pairId));
    const closed = [...this.notClosed()].filter(({ pairId }) => !listed.has(pairId));
    for (const circuit of closed) this.set({ ...circuit, state: 'CLOSED', recoversAt: null });
    return [
      ...closed.map((circuit) => ({
        ...circuit,
        type: 'closed' as const,
        from: circuit.state,
        state: 'CLOSED' as const,
        recoversAt: null,
        ...unknown,
      })),
      ...circuits.flatMap((circuit) => this.learn(circuit) ?? []),
    ];
  }

  private set(circuit: PairCircuit): void {
    const { pairId, agentA, agentB, state } = circuit;
    this.latest.set(pairId, circuit);
    if (state === 'CLOSED') {
      this.forget(agentA, agentB);
      this.forget(agentB, agentA);
      return;
    }
    const known = { circuit, stops: circuit.enforced && !(state === 'HALF_OPEN' && this.probes) };
    this.put(agentA, agentB, known);
    this.put(agentB, agentA, known);
  }

  private put(first: string, second: string, known: Known): void {
    const others = this.byNames.get(first);
    if (others === undefined) this.byNames.set(first, new Map([[second, known]]));
    else others.set(second, known);
  }

  private forget(first: string, second: string): void {
    const others = this.byNames.get(first);
    if (others?.delete(second) === true && others.size === 0) this.byNames.delete(first);
  }
}
