/**
 * `npm run servers:install`: puts the servers that the tests run against, and the Python clients of an example, into
 * `.servers/`, with package managers alone and without root. What is there in the wanted version is kept. docs/servers.md says what each step needs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackDebian } from './debian.mjs';
import { copyJars } from './maven.mjs';
import { installPython, pythonPackages } from './python.mjs';
import { needPrograms, run } from './run.mjs';

/**
 * The only place that names versions, but for the requirements of the Python example. Of Debian's packages it is the
 * least that will do, or the series.
 */
const versions = {
  redis: '7.0',
  natsSeries: '2.9.',
  natsOfSeries: '2.9.25',
  nats: '2.15.2',
  kafka: '4.1.2',
  log4j: '2.24.3',
  java: 17,
  mavenPlugin: 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1',
};

const requirements = fileURLToPath(new URL('../../examples/08-python/requirements.txt', import.meta.url));
const root = fileURLToPath(new URL('../../.servers/', import.meta.url));
const folderOf = (name) => join(root, name);

const parts = [
  {
    name: 'redis',
    folder: folderOf('redis'),
    version: (folder) => versionOf(join(folder, 'usr/bin/redis-server'), folder),
    wanted: (version) => Number.parseFloat(version) >= Number(versions.redis),
    install: (folder) => unpackDebian(['redis-server', 'redis-tools'], folder),
  },
  {
    name: 'nats 2.9',
    folder: folderOf('nats-2.9'),
    version: natsVersion,
    wanted: (version) => version.startsWith(versions.natsSeries),
    install: installNatsSeries,
  },
  {
    name: 'nats',
    folder: folderOf('nats'),
    version: natsVersion,
    wanted: (version) => version === versions.nats,
    install: (folder) => goInstallNats(versions.nats, folder),
  },
  {
    name: 'kafka',
    folder: folderOf('kafka'),
    version: kafkaVersion,
    wanted: (version) => version === versions.kafka,
    install: installKafka,
  },
  {
    name: 'python',
    folder: folderOf('python'),
    version: pythonPackages,
    wanted: (packages) => pinned().every((line) => packages.split(', ').includes(line)),
    install: (folder) => installPython(requirements, folder),
    // One example alone needs it.
    optional: true,
  },
];

async function provide({ name, folder, version, wanted, install, optional = false }) {
  const started = performance.now();
  const line = (status, text) => ({
    ok: status !== 'missing',
    optional,
    text: `${name.padEnd(10)}${status.padEnd(11)}${text}`,
  });
  const where = relative(process.cwd(), folder);
  try {
    const before = await version(folder);
    if (before !== undefined && wanted(before)) return line('there', `${before} in ${where}`);
    await install(folder);
    const after = await version(folder);
    if (after === undefined) throw new Error(`${where} holds nothing that runs after the installation`);
    if (!wanted(after)) throw new Error(`the package is version ${after}, which will not do`);
    return line('installed', `${after} in ${where} (${Math.round((performance.now() - started) / 1000)} s)`);
  } catch (error) {
    return line('missing', error.message);
  }
}

/** Debian 12 has the series; where the release has another, or there is no Debian, Go builds it. */
async function installNatsSeries(folder) {
  const lack = await unpackDebian(['nats-server'], folder).then(
    async () => {
      const version = await natsVersion(folder);
      return version?.startsWith(versions.natsSeries) ? undefined : `Debian here has ${version}`;
    },
    (error) => error.message,
  );
  if (lack === undefined) return;
  await goInstallNats(versions.natsOfSeries, folder).catch((error) => {
    throw new Error(`${lack}, and ${error.message}`);
  });
}

async function goInstallNats(version, folder) {
  needPrograms('go');
  const bin = join(folder, 'usr/sbin');
  await run('go', ['install', `github.com/nats-io/nats-server/v2@v${version}`], { env: { GOBIN: bin } });
}

function natsVersion(folder) {
  return versionOf(join(folder, 'usr/sbin/nats-server'), folder);
}

async function installKafka(folder) {
  needPrograms('java');
  const [, java] = /version "(\d+)/.exec(await run('java', ['-version'])) ?? [];
  if (!(Number(java) >= versions.java))
    throw new Error(`Kafka needs Java ${versions.java} or later, this machine has ${java ?? 'another'}`);
  const artifacts = [
    `org.apache.kafka:kafka_2.13:${versions.kafka}`,
    `org.apache.logging.log4j:log4j-slf4j-impl:${versions.log4j}`,
  ];
  await copyJars(artifacts, versions.mavenPlugin, folder);
}

async function kafkaVersion(folder) {
  if (existsSync(join(folder, `kafka_2.13-${versions.kafka}.jar`))) return versions.kafka;
  return undefined;
}

/** The lines of the requirements file. */
function pinned() {
  return readFileSync(requirements, 'utf8').trim().split('\n');
}

/** What a binary says of itself; undefined when there is none that runs. */
async function versionOf(binary, folder) {
  if (!existsSync(binary)) return undefined;
  const libraries = join(folder, 'usr/lib');
  const folders = existsSync(libraries) ? readdirSync(libraries).map((name) => join(libraries, name)) : [];
  const env = { LD_LIBRARY_PATH: folders.join(':') };
  const said = await run(binary, ['--version'], { env }).catch(() => '');
  return /\d+\.\d+\.\d+/.exec(said)?.[0];
}

mkdirSync(root, { recursive: true });
const lines = await Promise.all(parts.map(provide));
for (const { text } of lines) process.stdout.write(`${text}\n`);
if (lines.some(({ ok }) => !ok)) {
  process.stdout.write(
    'The tests of what is missing are skipped, or fail with CI=true; see docs/servers.md.\n',
  );
}
if (lines.some(({ ok, optional }) => !ok && !optional)) process.exitCode = 1;
