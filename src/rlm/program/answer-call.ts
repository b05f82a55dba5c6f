import { FulcrumError } from '../../errors.js';
import { type ProgramHost, primitives } from '../ports.js';
import { type FromThread, mostAnswerLength, mostArgumentsLength, type ToThread } from './messages.js';

/** Arrays and objects within each other in arguments: what looks at them may go down with a call for each. */
const deepest = 32;

type Call = FromThread & { readonly kind: 'call' };

/**
 * Answers one call of a guest. An operational error is the guest's business, and is thrown there.
 * @throws what the host throws beside those
 */
export async function answerCall(host: ProgramHost, call: Call): Promise<ToThread> {
  try {
    const args = argumentsOf(call);
    const value = JSON.stringify((await host.call(call.primitive, args)) ?? null);
    if (value.length > mostAnswerLength)
      throw new FulcrumError(
        'input',
        `${call.primitive}: the answer has ${value.length} characters, ${mostAnswerLength} are the most: ask for less`,
      );
    return { value };
  } catch (error) {
    if (!(error instanceof FulcrumError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

/** A guest can tamper with all that makes this text: nothing is taken for granted. */
function argumentsOf({ primitive, args }: Call): readonly unknown[] {
  if (!primitives.includes(primitive)) throw new FulcrumError('input', 'there is no such primitive');
  const wrong = (rule: string): FulcrumError => new FulcrumError('input', `${primitive}: arguments ${rule}`);
  if (args.length > mostArgumentsLength) throw wrong(`may have ${mostArgumentsLength} characters as JSON`);
  let value: unknown;
  try {
    value = JSON.parse(args);
  } catch (cause) {
    throw new FulcrumError('input', `${primitive}: arguments must be JSON`, { cause });
  }
  if (!Array.isArray(value)) throw wrong('must be a list');
  if (isDeeperThan(value, deepest)) throw wrong(`may be ${deepest} lists and objects deep`);
  return value;
}

function isDeeperThan(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}
