import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { KafkaOptions } from '../../../src/streams/kafka/options.js';
import { type Certificates, makeCertificates } from '../../servers/certificates.js';
import { describeWithServer } from '../../servers/describe.js';
import { GivenKafka, publishTexts, readTexts } from './given.js';

/** Of the user `ann`, who may do everything, and of `bob`, who may do nothing. */
const passwords = { ann: 'right', bob: 'right' };

function as(username: string, password: string): Pick<KafkaOptions, 'sasl'> {
  return { sasl: { mechanism: 'plain', username, password } };
}

describeWithServer(
  'kafka',
  'a Kafka broker that wants a password',
  () => {
    const kafka = new GivenKafka({
      sasl: passwords,
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // The listener of the brokers knows nobody.
        'super.users': 'User:ann;User:ANONYMOUS',
      },
    });

    test('serves who knows it', async () => {
      const broker = await kafka.connect(kafka.options(as('ann', 'right')));
      await publishTexts(broker, ['a']);
      expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
    });

    test('refuses who does not, in one sentence', async () => {
      await expect(kafka.connect(kafka.options(as('ann', 'wrong')))).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(
          /^Kafka at 127\.0\.0\.1:\d+: .*authentication failed.*; check the Kafka user, its password and its ACLs$/i,
        ),
      });
    });

    test('refuses a mechanism that it does not have', async () => {
      const sasl = { mechanism: 'scram-sha-256', username: 'ann', password: 'right' } as const;
      await expect(kafka.connect(kafka.options({ sasl }))).rejects.toMatchObject({ code: 'denied' });
    });

    test('tells who may not do what', async () => {
      const options = kafka.options(as('bob', 'right'));
      const broker = await kafka.connect(options);
      await expect(publishTexts(broker, ['a'])).rejects.toMatchObject({ code: 'denied' });
      await expect(broker.consume('interactions')).rejects.toMatchObject({ code: 'denied' });
      const mighty = await kafka.connect({ ...options, ...as('ann', 'right') });
      await publishTexts(mighty, ['a']);
      await expect(broker.consume('interactions')).rejects.toMatchObject({ code: 'denied' });
      const findings = await broker.check();
      const { interactions } = options.topics;
      expect(findings.find(({ what }) => what === `kafka topic ${interactions}`)).toMatchObject({
        status: 'warning',
        detail: 'it is not there, or may not be seen',
      });
    });
  },
  { own: true },
);

describeWithServer(
  'kafka',
  'a Kafka broker that speaks TLS',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    let certificates: Certificates | undefined;
    const kafka = new GivenKafka(() => {
      certificates = makeCertificates(folder);
      return { tls: certificates };
    });

    test('is trusted by who has its authority', async () => {
      const tls = { caFile: certificates?.ca ?? '', certFile: null, keyFile: null };
      const broker = await kafka.connect(kafka.options({ tls }));
      await publishTexts(broker, ['a']);
      expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
    });

    test('is not trusted by who has not', async () => {
      await expect(kafka.connect(kafka.options({ tls: true }))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(
          /unable to verify the first certificate; check the TLS settings and the certificates$/,
        ),
      });
    });

    test('needs files that are there', async () => {
      const tls = { caFile: join(folder, 'nobody.pem'), certFile: null, keyFile: null };
      await expect(kafka.connect(kafka.options({ tls }))).rejects.toMatchObject({
        code: 'config',
        message: expect.stringContaining(`${join(folder, 'nobody.pem')}, a file of the Kafka TLS settings`),
      });
    });
  },
  { own: true },
);
