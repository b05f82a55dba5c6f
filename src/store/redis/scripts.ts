/** The Lua scripts: each is its parts, which stand beside it, and its own file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './connection.js';
import { type ScriptValue, scriptCommand } from './script-command.js';

export type { ScriptValue };

export type ScriptName =
  | 'adopt'
  | 'agents'
  | 'announce'
  | 'apply'
  | 'command'
  | 'due'
  | 'forget'
  | 'keep-analysis'
  | 'keep-turns'
  | 'lease'
  | 'list-sessions'
  | 'mark'
  | 'permissions'
  | 'policies'
  | 'read-turns'
  | 'relay'
  | 'remove';

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
    return await client.sendCommand(scriptCommand([sha, String(keys.length), ...keys, ...args]));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return client.callBuffer('eval', text, keys.length, ...keys, ...args);
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
