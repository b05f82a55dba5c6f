import type { Conclusion } from '../combine.js';
import type { Context } from '../context.js';
import type { Scan } from '../detect/scan.js';
import { dataBlock, dataLine, shortened } from './data.js';
import type { TurnBook } from './turn-book.js';

const mostSpeakers = 8;
const mostElsewhere = 3;
const mostNameLength = 40;
const mostLineLength = 160;

/** What a model is told of a transcript before it looks: how large it is, who speaks, and what the rules found. */
export function describe(context: Context, book: TurnBook, rules: Conclusion, scan: Scan): string {
  const { handles, tokens } = context;
  // A handle has the session's name in it, and that is somebody else's word too.
  const range = handles.length === 1 ? handles[0] : `${handles[0]} to ${handles.at(-1)}`;
  return [
    `The transcript has ${book.count} turns, numbered from 0, and ${tokens} tokens in ${handles.length} parts.`,
    dataBlock('handles', range ?? ''),
    dataBlock('speakers', speakers(book)),
    dataBlock('what the rules found', found(rules, scan, handles)),
  ].join('\n');
}

function speakers(book: TurnBook): string {
  const all = book.speakers();
  const lines = all
    .slice(0, mostSpeakers)
    .map(([name, turns]) => `${shortened(dataLine(name), mostNameLength)}: ${turns} turns`);
  return [...lines, ...(all.length > mostSpeakers ? [`and ${all.length - mostSpeakers} more`] : [])].join(
    '\n',
  );
}

/** What the rules concluded, then what else they found elsewhere. */
function found(
  { verdict, evidence }: Conclusion,
  { loops, nearest }: Scan,
  handles: readonly string[],
): string {
  const turns = evidence.flatMap((one) => one.turns);
  const [main] = evidence;
  if (main === undefined)
    return `no loop; the most repetitive stretch reached ${Math.round(nearest * 100)} % of what a loop needs`;
  const first = Math.min(...turns);
  const last = Math.max(...turns);
  const elsewhere = loops
    .filter(({ firstTurn, lastTurn }) => firstTurn > last || lastTurn < first)
    .slice(0, mostElsewhere)
    .map((one) => {
      const handle = handles[one.marks[0]?.partition ?? 0] ?? '';
      return `${one.verdict}: from turn ${one.firstTurn} to turn ${one.lastTurn}, begins in ${handle}`;
    });
  return [
    `${verdict}: from turn ${first} to turn ${last}, most of it in ${main.handle}`,
    ...main.excerpt
      .split('\n')
      .map((line, i) => `  ${main.turns[i]} ${shortened(dataLine(line), mostLineLength)}`),
    ...elsewhere,
  ].join('\n');
}
