import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { HttpClient } from '../client/http.js';
import { sendInteractions } from '../client/send.js';
import { systemClock } from '../clock.js';
import { FulcrumError, messageOf } from '../errors.js';
import type { PublishAnswer } from '../events/answers.js';
import type { Broker } from '../ports.js';
import { FileSource } from '../streams/file.js';
import { splitLines } from '../streams/lines.js';
import { MemoryTopic } from '../streams/memory.js';
import { type CsvFlags, csvColumns, csvOptions } from './csv.js';
import { type ClientFlags, clientOf, clientOptions, requireFile } from './options.js';
import { note, print, printJson } from './output.js';
import { withBroker } from './remote.js';

interface PublishFlags extends ClientFlags, CsvFlags {
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
/** What comes from a pipe is not held back longer than this. */
const silenceMs = 200;
const shownRefusals = 10;

export function publishCommand(program: Command): void {
  csvOptions(
    clientOptions(
      program
        .command('publish')
        .argument(
          '<what...>',
          'a file of NDJSON interactions, - for standard input, or two agents with --outcome',
        )
        .description('send interactions to a running `up`, or to NATS or Kafka')
        .option(
          '-o, --outcome <outcome>',
          'success, failure or partial: sends one interaction of the two agents',
        )
        .option('-t, --tenant <tenant>', 'tenant of that interaction')
        .option('-w, --weight <number>', 'weight of that interaction, above 0 and at most 100', Number)
        .option('--session <id>', 'session of that interaction')
        .option('--content <text>', 'what was said in that interaction'),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ fulcrum-trust publish planner coder --outcome failure
  $ cat interactions.ndjson | fulcrum-trust publish -`,
    )
    .action(async (what: string[], flags: PublishFlags) => {
      const sent = await withBroker(flags, (broker) => publishThrough(broker, what, flags));
      const total = sent ?? (await publishOverHttp(clientOf(flags), what, flags));
      if (flags.json === true) printJson(total);
      else print(`${total.accepted} accepted, ${total.rejected} rejected`);
      if (total.rejected > 0) process.exitCode = 3;
    });
}

interface Total {
  accepted: number;
  rejected: number;
}

async function publishOverHttp(
  client: HttpClient,
  what: readonly string[],
  flags: PublishFlags,
): Promise<Total> {
  if (flags.outcome !== undefined)
    return tell(await client.publish(JSON.stringify(oneEvent(what, flags)), 'application/json'), 0);
  if (csvColumns(flags) !== null)
    throw new FulcrumError('usage', 'CSV goes to a broker: name --nats or --kafka, or use replay');
  return publishFile(client, what);
}

/** What a file or one event comes to, sent through a broker. */
async function publishThrough(broker: Broker, what: readonly string[], flags: PublishFlags): Promise<Total> {
  const source =
    flags.outcome === undefined ? await openFile(what, flags) : await oneOf(oneEvent(what, flags));
  let shown = 0;
  try {
    const total = await sendInteractions(broker.sink, source, {
      clock: systemClock,
      onRejected: (record, { field, rule }) => {
        if (shown++ < shownRefusals) note(`event ${record}: ${`${field} ${rule}`.trim()}`);
      },
    });
    if (shown > shownRefusals) note(`and ${shown - shownRefusals} more`);
    return total;
  } finally {
    await source.close();
  }
}

function openFile(what: readonly string[], flags: PublishFlags): Promise<FileSource> {
  const [path = ''] = what;
  if (what.length !== 1) throw oneFile();
  requireFile(path);
  const csv = csvColumns(flags);
  return FileSource.open({ path, maxEventBytes: longestLine, ...(csv === null ? {} : { csv }) });
}

async function oneOf(event: object): Promise<MemoryTopic> {
  const topic = new MemoryTopic({ name: 'one event', clock: systemClock });
  await topic.send([{ body: Buffer.from(JSON.stringify(event)), headers: {} }]);
  topic.close();
  return topic;
}

function oneFile(): FulcrumError {
  return new FulcrumError(
    'usage',
    'name one file or -; to send one interaction of two agents give --outcome',
  );
}

function oneEvent(agents: readonly string[], flags: PublishFlags): object {
  const [agentA, agentB] = agents;
  if (agents.length !== 2)
    throw new FulcrumError('usage', '--outcome needs two agents: publish A B --outcome …');
  return {
    id: randomUUID(),
    agent_a: agentA,
    agent_b: agentB,
    outcome: flags.outcome,
    tenant: flags.tenant,
    weight: flags.weight,
    session_id: flags.session,
    content: flags.content,
  };
}

async function publishFile(client: HttpClient, what: readonly string[]): Promise<Total> {
  const [path = ''] = what;
  if (what.length !== 1) throw oneFile();
  requireFile(path);
  const outgoing = new Outgoing(client);
  const input: Readable = path === '-' ? process.stdin : createReadStream(path);
  try {
    for await (const { bytes } of splitLines(input, longestLine))
      if (bytes.toString('utf8').trim() !== '') await outgoing.add(bytes, (error) => input.destroy(error));
    await outgoing.send();
  } catch (cause) {
    const { accepted, rejected } = outgoing.total;
    if (accepted + rejected > 0) note(`${accepted} accepted, ${rejected} rejected before it broke`);
    if (cause instanceof FulcrumError) throw cause;
    throw new FulcrumError('input', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return outgoing.total;
}

/** Lines on their way: sent when they make a full request, or when no more come for a moment. */
class Outgoing {
  readonly total: Total = { accepted: 0, rejected: 0 };
  private lines: Buffer[] = [];
  private bytes = 0;
  private sent = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly client: HttpClient) {}

  /** @param onFailure told what a request that nobody waits for came to */
  async add(line: Buffer, onFailure: (error: Error) => void): Promise<void> {
    if (this.bytes + line.length > bytesAtATime) await this.send();
    this.lines.push(line);
    this.bytes += line.length;
    if (this.lines.length === linesAtATime) await this.send();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.send().catch(onFailure), silenceMs);
  }

  /** Sends what waits, after what is under way. */
  send(): Promise<void> {
    clearTimeout(this.timer);
    this.sending = this.sending.then(() => this.sendNow());
    return this.sending;
  }

  private async sendNow(): Promise<void> {
    const { lines } = this;
    if (lines.length === 0) return;
    this.lines = [];
    this.bytes = 0;
    const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
    const { accepted, rejected } = tell(await this.client.publish(body, 'application/x-ndjson'), this.sent);
    this.total.accepted += accepted;
    this.total.rejected += rejected;
    this.sent += lines.length;
  }
}

/** Notes what was refused and counts it. `before`: events of earlier requests. */
function tell(answer: PublishAnswer, before: number): Total {
  for (const { index, field, rule } of answer.rejected.slice(0, shownRefusals))
    note(`event ${before + index + 1}: ${`${field} ${rule}`.trim()}`);
  if (answer.rejected.length > shownRefusals) note(`and ${answer.rejected.length - shownRefusals} more`);
  return { accepted: answer.accepted, rejected: answer.rejected.length };
}
