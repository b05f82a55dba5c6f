/** The Lua scripts: each is its parts, which stand beside it, and its own file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'ioredis';
import type { RedisClient } from './connection.js';

export type ScriptName =
  | 'adopt'
  | 'agents'
  | 'announce'
  | 'apply'
  | 'command'
  | 'due'
  | 'forget'
  | 'lease'
  | 'mark'
  | 'permissions'
  | 'policies'
  | 'relay'
  | 'remove';

/** A key or an argument of a script. */
export type ScriptValue = string | Buffer | number;

interface Script {
  readonly text: string;
  readonly sha: string;
}

const scripts = new Map<ScriptName, Script>();

/** Runs a script where its keys are. Where the server does not know it yet, it is sent along and known from then on. */
export async function runScript(
  client: RedisClient,
  name: ScriptName,
  keys: readonly string[],
  args: readonly ScriptValue[],
): Promise<unknown> {
  const { sha, text } = scriptOf(name);
  try {
    return await client.sendCommand(new ScriptCommand([sha, String(keys.length), ...keys, ...args]));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return client.callBuffer('eval', text, keys.length, ...keys, ...args);
  }
}

/** A call of a script. It may have hundreds of keys: the client would write each of them by itself. */
class ScriptCommand extends Command {
  constructor(args: ScriptValue[]) {
    super('evalsha', args, { replyEncoding: null });
  }

  override toWritable(): Buffer {
    const parts: Buffer[] = [];
    let text = `*${this.args.length + 1}\r\n$${this.name.length}\r\n${this.name}\r\n`;
    for (const arg of this.args as (string | Buffer)[]) {
      text += `$${Buffer.byteLength(arg)}\r\n`;
      if (typeof arg === 'string') text += arg;
      else {
        parts.push(Buffer.from(text), arg);
        text = '';
      }
      text += '\r\n';
    }
    parts.push(Buffer.from(text));
    return Buffer.concat(parts);
  }
}

export function scriptOf(name: ScriptName): Script {
  let script = scripts.get(name);
  if (script === undefined) {
    const own = readLua(name);
    const parts = /^-- parts: (.*)$/m.exec(own)?.[1]?.split(' ') ?? [];
    const text = [...parts.map(readLua), own].join('\n');
    script = { text, sha: createHash('sha1').update(text).digest('hex') };
    scripts.set(name, script);
  }
  return script;
}

function readLua(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
}
