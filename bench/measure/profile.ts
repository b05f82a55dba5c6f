/** What a CPU profile of V8 says: where time went, by function. */
import { readFileSync } from 'node:fs';

export interface ProfileEntry {
  /** Function and where it stands. */
  readonly where: string;
  /** Share of the time that it ran itself. */
  readonly self: number;
  /** Share of the time that it or what it called ran. */
  readonly total: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const idle = new Set(['(idle)', '(program)', '(root)']);

/** Functions of a `.cpuprofile` file, those that took most of their own time first. Shares are of the time not idle. */
export function readProfile(file: string): ProfileEntry[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const selfOf = new Map<number, number>();
  for (const [i, id] of samples.entries()) selfOf.set(id, (selfOf.get(id) ?? 0) + (timeDeltas[i] ?? 0));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  const add = (to: Map<string, number>, key: string, time: number) =>
    void to.set(key, (to.get(key) ?? 0) + time);
  let busy = 0;

  // A function that calls itself counts once a sample in the total: `above` are those that are open.
  const visit = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const where = whereOf(node);
    const own = selfOf.get(node.id) ?? 0;
    const inside = new Set(above).add(where);
    let time = own;
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) time += visit(child, inside);
    }
    if (!idle.has(node.callFrame.functionName)) {
      busy += own;
      add(self, where, own);
      if (!above.has(where)) add(total, where, time);
    }
    return time;
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, new Set());

  return [...total]
    .map(([where, time]) => ({ where, self: (self.get(where) ?? 0) / busy, total: time / busy }))
    .sort((a, b) => b.self - a.self);
}

function whereOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const place = url.replace(/^.*\/(?=(dist|node_modules)\/)/, '').replace(/^file:\/\//, '');
  return `${functionName || '(anonymous)'}${place === '' ? '' : ` ${place}:${lineNumber + 1}`}`;
}
