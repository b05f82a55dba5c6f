import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { PairView } from '../events/answers.js';
import { type ClientFlags, clientOf, clientOptions } from './options.js';
import { colourOf, print, printJson, printTable, showTime } from './output.js';

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
      const pair = await clientOf(flags).pair(flags.tenant, agentA, agentB);
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
    const circuits = await clientOf(flags).circuits(flags.tenant);
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
      const answer = await clientOf(flags).command({
        action,
        tenant: flags.tenant,
        agent_a: agentA,
        agent_b: agentB,
        actor: flags.actor ?? currentUser(),
        reason: flags.reason ?? '',
      });
      if (flags.json === true) printJson(answer);
      else if (!answer.changed) print(`nothing to change: ${unchanged}`);
      else for (const event of answer.events) print(`done: circuit event ${event.id}`);
    });
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

function printPair(pair: PairView): void {
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
    ['policy', `${pair.policy.name}${pair.enforced ? '' : ' (shadow)'}`],
    ['pair id', pair.pair_id],
    ['transition', String(pair.transition)],
  ];
  for (const [name, value] of rows) if (value !== '') print(`  ${name.padEnd(14)}${value}`);
}
