import { createRequire } from 'node:module';
import type { Command } from 'ioredis';

/** A key or an argument of a script. */
export type ScriptValue = string | Buffer | number;

type Make = (args: ScriptValue[]) => Command;

const load = createRequire(import.meta.url);
let make: Make | null = null;

/** A call of a script. It may have hundreds of keys: the client would write each of them by itself. */
export function scriptCommand(args: ScriptValue[]): Command {
  // By now there is a client; whoever has none does not load it.
  make ??= makerOf((load('ioredis') as typeof import('ioredis')).Command);
  return make(args);
}

function makerOf(Base: typeof Command): Make {
  class ScriptCommand extends Base {
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
  return (args) => new ScriptCommand('evalsha', args, { replyEncoding: null });
}
