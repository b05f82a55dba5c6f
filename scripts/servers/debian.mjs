import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { needPrograms, run } from './run.mjs';

/**
 * Unpacks Debian packages into `folder`, with what they need and the machine has not. Nothing is installed
 * and no root is needed: apt only downloads.
 */
export async function unpackDebian(packages, folder) {
  needPrograms('apt-get', 'dpkg-deb');
  const work = mkdtempSync(`${folder}.work-`);
  try {
    await download(packages, work, []).catch(async () =>
      download(packages, work, await ownLists(join(work, 'apt'))),
    );
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const archive of archivesIn(work)) await run('dpkg-deb', ['-x', join(work, archive), folder]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const archivesIn = (folder) => readdirSync(folder).filter((name) => name.endsWith('.deb'));

async function download(packages, folder, options) {
  const simulate = ['install', '--simulate', '--no-install-recommends'];
  const plan = await run('apt-get', [...simulate, ...options, ...packages]);
  const needed = Array.from(plan.matchAll(/^Inst (\S+)/gm), ([, name]) => name);
  const names = [...new Set([...packages, ...needed])];
  await run('apt-get', ['download', ...options, ...names], { cwd: folder });
  if (archivesIn(folder).length < names.length)
    throw new Error(`apt-get downloaded less than ${names.join(', ')}`);
}

/** Package lists of our own: the machine's may be absent or too old, and only root may renew them. */
async function ownLists(folder) {
  for (const name of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, name), { recursive: true });
  const settings = [
    `Dir::State=${folder}/state`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${folder}/cache`,
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  // One source that does not answer need not be the one that matters: the download tells.
  await run('apt-get', ['update', ...options]).catch(() => undefined);
  return options;
}
