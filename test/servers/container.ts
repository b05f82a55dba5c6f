import { request } from 'node:http';
import { freePort, loopback } from './loopback.js';

export interface Container {
  readonly port: number;
  stop(): Promise<void>;
}

export interface ContainerSettings {
  readonly image: string;
  /** What the container runs, once its port is known: the same one inside and outside. */
  readonly command?: (port: number) => string[];
  readonly environment?: (port: number) => Record<string, string>;
  /** A line of its log that says that it is up. */
  readonly upWhen: RegExp;
}

/** Whether a container engine answers on this machine. */
export const containersAnswer = await engineAnswers();

/** Runs a server in a container of its own on a free port of loopback. */
export async function startContainer(settings: ContainerSettings): Promise<Container> {
  // Only here: it takes a second to load, and most machines have the servers themselves.
  const { GenericContainer, Wait } = await import('testcontainers');
  const port = await freePort();
  const plan = new GenericContainer(settings.image)
    .withExposedPorts({ container: port, host: port })
    .withEnvironment(settings.environment?.(port) ?? {})
    .withWaitStrategy(Wait.forLogMessage(settings.upWhen));
  if (settings.command !== undefined) plan.withCommand(settings.command(port));
  const container = await plan.start();
  return { port, stop: async () => void (await container.stop()) };
}

function engineAnswers(): Promise<boolean> {
  const host = new URL(process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock');
  const where =
    host.protocol === 'unix:'
      ? { socketPath: host.pathname }
      : { host: host.hostname || loopback, port: Number(host.port || 2375) };
  return new Promise((resolve) => {
    const asking = request({ ...where, path: '/_ping', timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(false));
    asking.end();
  });
}
