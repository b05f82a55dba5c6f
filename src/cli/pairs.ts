import { userInfo } from 'node:os';
import type { Command } from 'commander';
import {
  type CommandOutcome,
  type CommandWait,
  commandEvent,
  commandToSend,
  type OperatorCommand,
  sendCommand,
} from '../client/command.js';
import { systemClock } from '../clock.js';
import { errorCodes, FulcrumError } from '../errors.js';
import { type CommandAnswer, type PairView, pairView } from '../events/answers.js';
import { defaultLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { Broker } from '../ports.js';
import { type AnalysisRecord, type PairAnswer, shownAnalysis } from '../rlm/analysis-record.js';
import type { RedisStore } from '../store/redis/store.js';
import { makePairId } from '../trust/pair.js';
import { PolicyBook } from '../trust/policies.js';
import { isPairOf } from '../trust/state.js';
import { type ClientFlags, clientOf, clientOptions } from './options.js';
import { colourOf, note, print, printJson, printTable, showTime } from './output.js';
import { brokerOf, withBroker, withRedis } from './remote.js';

interface PairFlags extends ClientFlags {
  tenant: string;
}

interface CommandFlags extends PairFlags {
  reason?: string;
  actor?: string;
}

export function pairCommands(program: Command): void {
  pairCommand(program, 'state', 'show what is known of a pair').action(
    async (agentA: string, agentB: string, flags: PairFlags) => {
      const stored = await withRedis(flags, (store) => pairIn(store, flags.tenant, agentA, agentB));
      const pair = stored === null ? await clientOf(flags).pair(flags.tenant, agentA, agentB) : stored.answer;
      if (flags.json === true) printJson(pair);
      else if (pair === null) print(`nothing is known of ${agentA} and ${agentB} in tenant ${flags.tenant}`);
      else printPair(pair);
      if (pair === null) process.exitCode = 1;
    },
  );

  clientOptions(
    program
      .command('circuits')
      .description('list circuits that are not closed')
      .option('-t, --tenant <tenant>', 'only this tenant'),
  ).action(async (flags: ClientFlags & { tenant?: string }) => {
    const stored = await withRedis(flags, (store) => circuitsIn(store, flags.tenant));
    const circuits = stored === null ? await clientOf(flags).circuits(flags.tenant) : stored.answer;
    if (flags.json === true) for (const circuit of circuits) printJson(circuit);
    else if (circuits.length === 0) print('every circuit is closed');
    else
      printTable([
        ['state', 'agents', 'tenant', 'score now', 'interactions', 'recovers at'],
        ...circuits.map((circuit) => [
          circuit.circuit_state,
          `${circuit.agent_a} ↔ ${circuit.agent_b}`,
          circuit.tenant,
          circuit.trust_score_now.toFixed(3),
          circuit.interaction_count,
          showTime(circuit.recovers_at) || 'not by itself',
        ]),
      ]);
  });

  operatorCommand(
    program,
    'reset',
    'forget a pair: its next interaction is its first',
    'nothing was known of the pair',
  );
  operatorCommand(
    program,
    'terminate',
    'stop a pair for good, until it is reset',
    'the pair was terminated already',
  );
}

function pairCommand(program: Command, name: string, summary: string): Command {
  return clientOptions(
    program
      .command(name)
      .argument('<agentA>', 'one agent')
      .argument('<agentB>', 'the other; the order does not matter')
      .description(summary)
      .option('-t, --tenant <tenant>', 'tenant of the pair', 'default'),
  );
}

function operatorCommand(
  program: Command,
  action: 'reset' | 'terminate',
  summary: string,
  unchanged: string,
): void {
  pairCommand(program, action, summary)
    .option('-r, --reason <text>', 'why; the circuit event carries it')
    .option('--actor <name>', 'who; default: the user of this machine')
    .action(async (agentA: string, agentB: string, flags: CommandFlags) => {
      const command = {
        action,
        tenant: flags.tenant,
        agent_a: agentA,
        agent_b: agentB,
        actor: flags.actor ?? currentUser(),
        reason: flags.reason ?? '',
      };
      if (flags.redis !== undefined && brokerOf(flags) === null)
        throw new FulcrumError(
          'usage',
          `--redis alone takes no command: name the broker too, with --nats or --kafka, and ${action} goes through that`,
        );
      const sent = await withBroker(flags, (broker) => commandThrough(broker, command, flags));
      const answer = sent ?? (await clientOf(flags).command(command));
      if (flags.json === true) printJson(answer);
      else if (!answer.applied) print('sent, and not seen to be applied yet');
      else if (!answer.changed) print(`nothing to change: ${unchanged}`);
      else for (const event of answer.events) print(`done: circuit event ${event.id}`);
      if (answer.applied) return;
      note(
        `no circuit event came within ${answerWithinMs / 1_000} s, and no processor is seen to have applied the command: ` +
          'it is kept, and applied when one does',
      );
      process.exitCode = errorCodes.unavailable.exitCode;
    });
}

/** How long a command's circuit event is waited for, in ms. */
const answerWithinMs = 10_000;

/** Sends a command; the state in Redis, where it is named, tells sooner and more surely that nothing changed. */
async function commandThrough(
  broker: Broker,
  command: OperatorCommand,
  flags: CommandFlags,
): Promise<CommandAnswer> {
  const now = systemClock();
  const ready = commandToSend(commandEvent(command, now), defaultLimits, now);
  if (isRejection(ready)) throw new FulcrumError('refused', `${ready.field} ${ready.rule}`.trim());
  const send = (look?: CommandWait['look']): Promise<CommandOutcome> => {
    note('sent; waiting for its circuit event');
    return sendCommand(broker, ready, { withinMs: answerWithinMs, ...(look === undefined ? {} : { look }) });
  };
  const look = (store: RedisStore) => send(() => store.read(ready.tenant, ready.pairId));
  const stored = await withRedis(flags, look);
  const outcome = stored === null ? await send() : stored.answer;
  return {
    applied: outcome.kind !== 'pending',
    changed: outcome.kind === 'changed',
    events: outcome.kind === 'changed' ? [outcome.event] : [],
  };
}

async function policiesOf(store: RedisStore): Promise<PolicyBook> {
  return (await store.policies.read())?.book ?? new PolicyBook({ version: 0, default: {}, policies: [] });
}

async function pairIn(
  store: RedisStore,
  tenant: string,
  agentA: string,
  agentB: string,
): Promise<PairAnswer | null> {
  const pair = await store.read(tenant, makePairId(agentA, agentB));
  if (pair?.state == null || !isPairOf(pair, { agentA, agentB })) return null;
  const policy = (await policiesOf(store)).policyOf(tenant, pair.agentA, pair.agentB);
  return {
    ...pairView(tenant, pair.state, policy, systemClock(), store.timedRecovery),
    analysis: await shownAnalysis(store.analyses, tenant, pair.pairId),
  };
}

async function circuitsIn(store: RedisStore, tenant: string | undefined): Promise<PairView[]> {
  const policies = await policiesOf(store);
  const views: PairView[] = [];
  for await (const { tenant: of, pair } of store.circuits())
    if (pair.state !== null && (tenant === undefined || tenant === of))
      views.push(
        pairView(
          of,
          pair.state,
          policies.policyOf(of, pair.agentA, pair.agentB),
          systemClock(),
          store.timedRecovery,
        ),
      );
  return views;
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

function printPair(pair: PairAnswer): void {
  const state = pair.circuit_state;
  print(`${pair.agent_a} ↔ ${pair.agent_b}  ${colourOf(state)(state)}`);
  const rows: [string, string][] = [
    ['score now', pair.trust_score_now.toFixed(6)],
    ['score stored', pair.trust_score.toFixed(6)],
    ['should stop', pair.should_terminate ? 'yes' : 'no'],
    ['alpha, beta', `${pair.alpha}, ${pair.beta}`],
    ['interactions', String(pair.interaction_count)],
    ['last updated', showTime(pair.last_updated)],
    ['recovers at', showTime(pair.recovers_at) || (state === 'CLOSED' ? '' : 'not by itself')],
    ['opening', pair.opening],
    ['explanation', pair.explanation ?? ''],
    ['policy', `${pair.policy.name}${pair.enforced ? '' : ' (shadow)'}`],
    ['pair id', pair.pair_id],
    ['transition', String(pair.transition)],
    ...(pair.analysis === null ? [] : analysisRows(pair.analysis)),
  ];
  for (const [name, value] of rows) if (value !== '') print(`  ${name.padEnd(14)}${value}`);
}

function analysisRows({ at, session, result }: AnalysisRecord): [string, string][] {
  return [
    ['analysis', `${result.verdict} (confidence ${result.confidence.toFixed(2)})`],
    ['summary', result.summary],
    [
      'analysed',
      `${showTime(at)}, ${session === null ? 'nothing is kept of what they said' : `session ${session}`}`,
    ],
  ];
}
