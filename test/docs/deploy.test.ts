import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { commandLine } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const cli = commandLine();

const serviceSchema = z.object({
  image: z.string().optional(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.unknown()).default({}),
});
const compose = z
  .object({ services: z.record(z.string(), serviceSchema), volumes: z.record(z.string(), z.null()) })
  .parse(parse(readFileSync(`${repository}docker-compose.yml`, 'utf8')));
const { services } = compose;

it('docker-compose.yml names services and volumes that are there', () => {
  for (const { depends_on, volumes } of Object.values(services)) {
    for (const other of Object.keys(depends_on)) expect(services).toHaveProperty(other);
    for (const volume of volumes) expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
  }
});

/** The commands of our own that deploy files run, where they need servers. */
function commands(): [string, string[]][] {
  const ours = Object.entries(services)
    .filter(([, { image, command }]) => image === undefined && Array.isArray(command))
    .map(([name, { command }]): [string, string[]] => [
      `service ${name}`,
      z.array(z.string()).parse(command),
    ]);
  const units = readdirSync(`${repository}deploy`)
    .filter((file) => file.endsWith('.service'))
    .map((file): [string, string[]] => {
      const unit = readFileSync(`${repository}deploy/${file}`, 'utf8');
      const command = /^ExecStart=\/usr\/bin\/env fulcrum-trust (.*)$/m.exec(unit)?.[1] ?? '';
      return [file, command.split(' ')];
    })
    .filter(([, [, ...args]]) => args.length > 0);
  return [...ours, ...units];
}

describeWithServer(
  ['redis', 'nats'],
  'what deploy files run starts on servers at other addresses:',
  () => {
    it.each(commands())('%s', async (_, command) => {
      const [nats, redis] = await Promise.all([startNats({ own: true }), startRedis({ own: true })]);
      const addresses: Readonly<Record<string, string>> = {
        'nats://nats:4222': nats.url,
        '${NATS}': nats.url,
        'redis://redis:6379': redis.url,
        '${REDIS}': redis.url,
        '4747': '0',
      };
      const args = command.map((arg) => addresses[arg] ?? arg);
      expect(args).toContain(nats.url);
      expect(args).toContain(redis.url);
      const started = cli.start([...args, '--fail-fast'], { environment: { FULCRUM_DATA_DIR: cli.fresh() } });
      await started.prints('stdout', /^(processing|analysing) nats/m);
      expect(await started.kill('SIGTERM')).toMatchObject({ code: 0 });
    });
  },
  { own: true },
);
