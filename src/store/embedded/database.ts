import { open, type RootDatabase } from 'lmdb';
import { checkDataFile, inspectFolder, takeFolder } from './folder.js';

/**
 * Takes a folder for this process and opens the database in it, making both when they are absent; where `make` throws,
 * they are closed and let go again.
 *
 * @param instead what to do where another process has it: a sentence of the error
 * @throws FulcrumError `store_in_use` when another process has it, `store_foreign` when it is not a whole one of ours
 */
export async function openDatabase<Store>(
  path: string,
  instead: string,
  make: (root: RootDatabase, release: () => Promise<void>) => Store,
): Promise<Store> {
  const content = inspectFolder(path);
  const release = await takeFolder(path, instead);
  let root: RootDatabase | null = null;
  try {
    if (content === 'database') checkDataFile(path);
    // A commit returns when it is on the disk. lmdb's own overlapping sync would answer before that.
    root = open({ path, noSubdir: false, maxDbs: 16, overlappingSync: false });
    return make(root, release);
  } catch (error) {
    await root?.close();
    await release();
    throw error;
  }
}
