import type { MessagePort } from 'node:worker_threads';
import type { Primitive, ProgramEnd, ProgramLimits } from '../ports.js';

/** Characters of JSON of the arguments of one call: a guest has memory for more than its host wants to read. */
export const mostArgumentsLength = 65_536;
/** Characters of JSON of one answer. */
export const mostAnswerLength = 8 * 1024 * 1024;
/** Characters of a program. */
export const mostProgramLength = 65_536;
/** Characters of why a program ended. */
export const mostCauseLength = 500;

/** What the thread of a program begins with. */
export interface ThreadData {
  readonly program: string;
  readonly limits: ProgramLimits;
  /** The interpreter, compiled once for all threads. */
  readonly wasm: WebAssembly.Module;
  /** One number: 1 when an answer of the host waits at the port. */
  readonly answered: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** What a thread says. `args` is JSON of an array, as far as the guest did not tamper with it. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'call'; readonly primitive: Primitive; readonly args: string }
  | { readonly kind: 'end'; readonly end: ProgramEnd };

/** What its host answers to a call: JSON, or what the guest sees thrown. */
export type ToThread =
  | { readonly value: string }
  | { readonly error: { readonly code: string; readonly message: string } };

/** A cause that is short enough to be told. */
export function causeOf(text: string): string {
  return text.slice(0, mostCauseLength).toWellFormed();
}

export function ranTooLong({ cpuMs }: ProgramLimits): string {
  return `it ran for more than ${cpuMs} ms`;
}
