import { readFile } from 'node:fs/promises';
import net from 'node:net';
import tls from 'node:tls';
import { Kafka, type KafkaConfig, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs';
import { FulcrumError, messageOf } from '../../errors.js';
import { learnCodecs } from './compression/codecs.js';
import { inFrames } from './frames.js';
import type { KafkaOptions, KafkaTls, StatusListener } from './options.js';

const connectTimeoutMs = 3_000;
const requestTimeoutMs = 15_000;
const keepAliveMs = 60_000;
/** Short, so that what is away is said soon: those who ask try again, and longer. */
const shortRetry = { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000 };

export interface KafkaClient {
  readonly kafka: Kafka;
  /**
   * Cuts what is still connected, so that a broker which hangs does not keep the process. Nothing is connected any
   * more from here on: kafkajs may yet be about to join a group, and would hold partitions that nobody reads.
   */
  destroy(): void;
}

/**
 * Makes clients, one for each consumer: kafkajs shares its memory of committed offsets between the consumers of
 * one client, and a consumer that comes up would empty that of one that runs.
 */
export type ClientMaker = (retry?: RetryOptions) => KafkaClient;

/** @throws FulcrumError `config` when a file of the TLS settings cannot be read */
export async function clientMaker(options: KafkaOptions, onStatus: StatusListener): Promise<ClientMaker> {
  learnCodecs();
  const { brokers, clientId, sasl } = options;
  const ssl = typeof options.tls === 'boolean' ? options.tls : await readTls(options.tls);
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    ssl,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Its failures come as errors, each once. What it logs beside them is for who sets KAFKAJS_LOG_LEVEL.
    logLevel: logLevel.NOTHING,
    logCreator:
      () =>
      ({ namespace, log }) =>
        onStatus(`kafkajs ${namespace}: ${log.message}`, 'info'),
  };
  return (retry = shortRetry) => {
    const sockets = new Set<net.Socket>();
    let destroyed = false;
    const kafka = new Kafka({
      ...config,
      retry,
      // A copy, for kafkajs writes into it.
      ...(sasl === null ? {} : { sasl: { ...sasl } as SASLOptions }),
      socketFactory: ({ host, port, ssl: settings, onConnect }) => {
        const socket = remember(sockets, connect(host, port, settings, onConnect));
        return destroyed ? cut(socket) : socket;
      },
    });
    return {
      kafka,
      destroy: () => {
        destroyed = true;
        for (const socket of sockets) cut(socket);
      },
    };
  };
}

function connect(
  host: string,
  port: number,
  settings: tls.ConnectionOptions | undefined,
  onConnect: () => void,
): net.Socket {
  if (!settings) return net.connect({ host, port }, onConnect);
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  return tls.connect({ host, port, ...servername, ...settings }, onConnect);
}

function remember(sockets: Set<net.Socket>, socket: net.Socket): net.Socket {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  // kafkajs may write more than ten requests to a socket that is still connecting.
  return inFrames(socket).setKeepAlive(true, keepAliveMs);
}

function cut(socket: net.Socket): net.Socket {
  return socket.destroy(new Error('the client is closed'));
}

async function readTls({ caFile, certFile, keyFile }: KafkaTls): Promise<tls.ConnectionOptions> {
  return {
    ...(caFile === null ? {} : { ca: await readPem(caFile) }),
    ...(certFile === null ? {} : { cert: await readPem(certFile) }),
    ...(keyFile === null ? {} : { key: await readPem(keyFile) }),
  };
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FulcrumError(
      'config',
      `${path}, a file of the Kafka TLS settings, cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}
