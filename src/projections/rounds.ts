/** Rounds over all agents, some at a time, so that nothing else waits for a whole one. Pure. */
import type { AgentBook } from './agent-book.js';

/** As many as are written at a time: few, for while Redis compares them no event is applied. */
export const agentsAtATime = 100;

/** Each round lasts the same, however many agents there are, and takes in those that join it. */
export class Rounds {
  private readonly order: Iterator<string>;

  constructor(
    private readonly book: Pick<AgentBook, 'agents' | 'agentCount'>,
    private readonly roundMs: number,
  ) {
    this.order = again(() => book.agents);
  }

  /** How long one waits for the next part, in ms. */
  get pauseMs(): number {
    return this.roundMs / Math.max(1, Math.ceil(this.book.agentCount / agentsAtATime));
  }

  /** The agents whose turn it is, none of them twice. */
  next(): readonly string[] {
    const part: string[] = [];
    const size = Math.min(agentsAtATime, this.book.agentCount);
    while (part.length < size) part.push(this.order.next().value);
    return part;
  }
}

function* again(all: () => Iterable<string>): Generator<string, never> {
  for (;;) yield* all();
}
