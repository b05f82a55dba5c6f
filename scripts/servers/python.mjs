import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { needPrograms, run } from './run.mjs';

const pythonIn = (folder) => join(folder, 'bin/python3');

/** Makes a virtual environment in `folder` with the packages of a requirements file, in exactly its versions. */
export async function installPython(requirements, folder) {
  needPrograms('python3');
  await run('python3', ['-c', 'import venv, ensurepip']).catch((cause) => {
    throw new Error('python3 has no venv or no pip; on Debian install python3-venv', { cause });
  });
  await run('python3', ['-m', 'venv', '--clear', folder]);
  // Wheels alone: to build a client from its source takes a compiler, and libraries.
  const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  await run(pythonIn(folder), ['-m', 'pip', 'install', ...options, '--requirement', requirements]);
}

/** The packages in `folder` as `name==version`, with commas between; undefined when there is no Python that runs. */
export async function pythonPackages(folder) {
  if (!existsSync(pythonIn(folder))) return undefined;
  const options = ['--disable-pip-version-check', '--local'];
  const said = await run(pythonIn(folder), ['-m', 'pip', 'freeze', ...options]).catch(() => undefined);
  return said?.trim().split(/\s+/).join(', ');
}
