/** As much of WebAssembly as is used here: Node's types of version 20 leave it out. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  const Memory: new (pages: { readonly initial: number; readonly maximum: number }) => Memory;
  function compile(bytes: Uint8Array): Promise<Module>;
}
