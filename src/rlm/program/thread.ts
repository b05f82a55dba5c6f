/** The thread of one program. It ends with it. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import untyped from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
} from 'quickjs-emscripten-core';
import type { Primitive } from '../ports.js';
import { Guest } from './guest.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';

const { program, limits, wasm, answered, port } = workerData as ThreadData;
// Its types are those of CommonJS, with the variant one level further down than it is.
const variant = untyped as unknown as QuickJSSyncVariant;
const flag = new Int32Array(answered);

/** What the guest was made to wait for the host, ms. */
let waitedMs = 0;

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

function ask(primitive: Primitive, args: string): ToThread {
  const before = performance.now();
  Atomics.store(flag, 0, 0);
  tell({ kind: 'call', primitive, args });
  // A late notice of the answer before wakes it too.
  while (Atomics.load(flag, 0) === 0) Atomics.wait(flag, 0, 0);
  const answer: ToThread = receiveMessageOnPort(port)?.message;
  waitedMs += performance.now() - before;
  return answer;
}

/** Pages of 64 KiB: what the interpreter begins with, and room for what the allocator rounds up. */
const initialPages = 256;
const mostPages = initialPages + Math.ceil((limits.memoryBytes * 1.25) / 65_536);

const quickjs = await newQuickJSWASMModuleFromVariant(
  newVariant(variant, {
    wasmModule: async () => wasm,
    wasmMemory: new WebAssembly.Memory({ initial: initialPages, maximum: mostPages }),
  }),
);
const runtime = quickjs.newRuntime({
  memoryLimitBytes: limits.memoryBytes,
  maxStackSizeBytes: limits.stackBytes,
});
const guest = new Guest(runtime, runtime.newContext(), limits, ask);
tell({ kind: 'ready' });
const began = performance.now();
tell({ kind: 'end', end: guest.run(program, () => performance.now() - began - waitedMs) });
