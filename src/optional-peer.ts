import { FulcrumError } from './errors.js';

/**
 * What a module exports that stands on packages which its user may not have installed. Its import is handed in, for it
 * fails before any line of the module runs.
 *
 * @throws FulcrumError `usage` with `missing`, which says what to install, where they are not there
 */
export async function optionalPeer<Module>(loading: Promise<Module>, missing: string): Promise<Module> {
  try {
    return await loading;
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    throw isMissing ? new FulcrumError('usage', missing, { cause }) : cause;
  }
}
