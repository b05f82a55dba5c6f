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

describeWithServer(
  'kafka',
  'a Kafka broker that wants TLS and a password',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    let certificates: Certificates | undefined;
    const kafka = new GivenKafka(() => {
      certificates = makeCertificates(folder);
      return {
        sasl: passwords,
        tls: certificates,
        properties: {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          // The listener of the brokers knows nobody.
          'super.users': 'User:ann;User:ANONYMOUS',
        },
      };
    });

    function as(username: string, password: string): KafkaOptions {
      return kafka.options({
        tls: { caFile: certificates?.ca ?? '', certFile: null, keyFile: null },
        sasl: { mechanism: 'plain', username, password },
      });
    }

    test('serves who trusts it and knows the password', async () => {
      const broker = await kafka.connect(as('ann', 'right'));
      await publishTexts(broker, ['a']);
      expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
    });

    test('refuses who does not know it, in one sentence', async () => {
      await expect(kafka.connect(as('ann', 'wrong'))).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(
          /^Kafka at 127\.0\.0\.1:\d+: .*authentication failed.*; check the Kafka user, its password and its ACLs$/i,
        ),
      });
    });

    test('refuses a mechanism that it does not have', async () => {
      const options = as('ann', 'right');
      const sasl = { mechanism: 'scram-sha-256', username: 'ann', password: 'right' } as const;
      await expect(kafka.connect({ ...options, sasl })).rejects.toMatchObject({ code: 'denied' });
    });

    test('tells who may not do what', async () => {
      const options = as('bob', 'right');
      const broker = await kafka.connect(options);
      await expect(publishTexts(broker, ['a'])).rejects.toMatchObject({ code: 'denied' });
      await expect(broker.consume('interactions')).rejects.toMatchObject({ code: 'denied' });
      const mighty = await kafka.connect({ ...options, sasl: as('ann', 'right').sasl });
      await publishTexts(mighty, ['a']);
      await expect(broker.consume('interactions')).rejects.toMatchObject({ code: 'denied' });
      const findings = await broker.check();
      const { interactions } = options.topics;
      expect(findings.find(({ what }) => what === `kafka topic ${interactions}`)).toMatchObject({
        status: 'warning',
        detail: 'it is not there, or may not be seen',
      });
    });

    test('is not trusted by who does not have its authority', async () => {
      await expect(kafka.connect({ ...as('ann', 'right'), tls: true })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(
          /unable to verify the first certificate; check the TLS settings and the certificates$/,
        ),
      });
    });

    test('needs files that are there', async () => {
      const tls = { caFile: join(folder, 'nobody.pem'), certFile: null, keyFile: null };
      await expect(kafka.connect({ ...as('ann', 'right'), tls })).rejects.toMatchObject({
        code: 'config',
        message: expect.stringContaining(`${join(folder, 'nobody.pem')}, a file of the Kafka TLS settings`),
      });
    });
  },
  { own: true },
);
