import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import type { HttpClient } from '../client/http.js';
import { FulcrumError, messageOf } from '../errors.js';
import type { PublishAnswer } from '../events/answers.js';
import { splitLines } from '../streams/lines.js';
import { type ClientFlags, clientOf, clientOptions, requireFile } from './options.js';
import { note, print, printJson } from './output.js';

interface PublishFlags extends ClientFlags {
  outcome?: string;
  tenant?: string;
  weight?: number;
  session?: string;
  content?: string;
}

/** Most of one request: the server takes no larger body than its http.maxBodyBytes, by default 16 MiB. */
const linesAtATime = 500;
const bytesAtATime = 4 * 1024 * 1024;
const longestLine = 1024 * 1024;
const shownRefusals = 10;

export function publishCommand(program: Command): void {
  clientOptions(
    program
      .command('publish')
      .argument(
        '<what...>',
        'a file of NDJSON interactions, - for standard input, or two agents with --outcome',
      )
      .description('send interactions to a running `up`')
      .option(
        '-o, --outcome <outcome>',
        'success, failure or partial: sends one interaction of the two agents',
      )
      .option('-t, --tenant <tenant>', 'tenant of that interaction')
      .option('-w, --weight <number>', 'weight of that interaction, above 0 and at most 100', Number)
      .option('--session <id>', 'session of that interaction')
      .option('--content <text>', 'what was said in that interaction'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ fulcrum-trust publish planner coder --outcome failure
  $ cat interactions.ndjson | fulcrum-trust publish -`,
    )
    .action(async (what: string[], flags: PublishFlags) => {
      const client = clientOf(flags);
      const total =
        flags.outcome === undefined ? await publishFile(client, what) : await publishOne(client, what, flags);
      if (flags.json === true) printJson(total);
      else print(`${total.accepted} accepted, ${total.rejected} rejected`);
      if (total.rejected > 0) process.exitCode = 3;
    });
}

interface Total {
  accepted: number;
  rejected: number;
}

async function publishOne(
  client: HttpClient,
  agents: readonly string[],
  flags: PublishFlags,
): Promise<Total> {
  const [agentA, agentB] = agents;
  if (agents.length !== 2)
    throw new FulcrumError('usage', '--outcome needs two agents: publish A B --outcome …');
  const event = {
    id: randomUUID(),
    agent_a: agentA,
    agent_b: agentB,
    outcome: flags.outcome,
    tenant: flags.tenant,
    weight: flags.weight,
    session_id: flags.session,
    content: flags.content,
  };
  return tell(await client.publish(JSON.stringify(event), 'application/json'), 0);
}

async function publishFile(client: HttpClient, what: readonly string[]): Promise<Total> {
  const [path = ''] = what;
  if (what.length !== 1)
    throw new FulcrumError(
      'usage',
      'name one file or -; to send one interaction of two agents give --outcome',
    );
  requireFile(path);
  const total: Total = { accepted: 0, rejected: 0 };
  let lines: Buffer[] = [];
  let bytesWaiting = 0;
  let sent = 0;
  const send = async (): Promise<void> => {
    if (lines.length === 0) return;
    const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
    const { accepted, rejected } = tell(await client.publish(body, 'application/x-ndjson'), sent);
    total.accepted += accepted;
    total.rejected += rejected;
    sent += lines.length;
    lines = [];
    bytesWaiting = 0;
  };
  try {
    const input = path === '-' ? process.stdin : createReadStream(path);
    for await (const { bytes } of splitLines(input, longestLine)) {
      if (bytes.toString('utf8').trim() === '') continue;
      if (bytesWaiting + bytes.length > bytesAtATime) await send();
      lines.push(bytes);
      bytesWaiting += bytes.length;
      if (lines.length === linesAtATime) await send();
    }
  } catch (cause) {
    if (cause instanceof FulcrumError) throw cause;
    throw new FulcrumError('input', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  await send();
  return total;
}

/** Notes what was refused and counts it. `before`: events of earlier requests. */
function tell(answer: PublishAnswer, before: number): Total {
  for (const { index, field, rule } of answer.rejected.slice(0, shownRefusals))
    note(`event ${before + index + 1}: ${`${field} ${rule}`.trim()}`);
  if (answer.rejected.length > shownRefusals) note(`and ${answer.rejected.length - shownRefusals} more`);
  return { accepted: answer.accepted, rejected: answer.rejected.length };
}
