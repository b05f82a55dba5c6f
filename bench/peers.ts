/** Pipelines of others, kept outside of the project in a folder of sources, built into a temporary one. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { DrainRun, DrainSetting } from './drain.js';

export interface Peer {
  readonly name: string;
  readonly what: string;
  /** Fills a stream or topic of its own and drains it, on the same servers. */
  run(setting: DrainSetting): Promise<DrainRun>;
  /** Removes what was built. */
  close(): void;
}

interface Recipe {
  readonly name: string;
  readonly what: string;
  readonly folder: string;
  readonly needs: readonly string[];
  readonly build: readonly [command: string, ...args: string[]];
  command(setting: DrainSetting): readonly [command: string, ...args: string[]];
}

const recipes: Readonly<Record<DrainSetting['log']['system'], Recipe>> = {
  nats: {
    name: 'go',
    what: 'Go: fetch 512, one pipelined EVALSHA and one ack an event, at least once, its own events of 5,000 pairs',
    folder: 'go-jetstream',
    needs: ['go'],
    build: ['go', 'build', '-o', 'peer', '.'],
    command: ({ log, redis }) => ['./peer', String(log.events), log.address, `${redis.host}:${redis.port}`],
  },
  kafka: {
    name: 'kafka-streams',
    what: 'Kafka Streams, exactly_once_v2, one thread, RocksDB, its own events',
    folder: 'kafka-streams',
    needs: ['mvn', 'java'],
    build: ['mvn', '-q', 'package', 'dependency:copy-dependencies'],
    command: ({ log }) => [
      ...(['java', '-Xmx1g', '-cp', 'target/classes:target/dependency/*', 'Peer'] as const),
      ...[String(log.events), 'exactly_once_v2', String(log.pairs), '1', log.address],
    ],
  },
};

const execute = promisify(execFile);

/** The peer of a broker, built; null where its sources or what builds them are not there. */
export async function buildPeer(system: DrainSetting['log']['system'], peers: string): Promise<Peer | null> {
  const recipe = recipes[system];
  const sources = resolve(peers, recipe.folder);
  if (!existsSync(sources) || !recipe.needs.every(isOnPath)) return null;
  const cwd = mkdtempSync(join(tmpdir(), 'fulcrum-trust-peer-'));
  cpSync(sources, cwd, { recursive: true });
  const [builder, ...buildArgs] = recipe.build;
  await execute(builder, buildArgs, { cwd });
  return {
    name: recipe.name,
    what: recipe.what,
    run: async (setting) => {
      const [command, ...args] = recipe.command(setting);
      const { stdout } = await execute(command, args, { cwd });
      const said = /: (\d+) events\/s/.exec(stdout)?.[1];
      if (said === undefined) throw new Error(`the peer ${recipe.name} says no rate: ${stdout}`);
      return { eventsPerSecond: Number(said), cpuUs: {} };
    },
    close: () => rmSync(cwd, { recursive: true, force: true }),
  };
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}
