import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, expect, test } from 'vitest';
import type { KafkaOptions } from '../../../src/streams/kafka/options.js';
import { type Certificates, makeCertificates } from '../../servers/certificates.js';
import { describeWithServer } from '../../servers/describe.js';
import { until } from '../../servers/until.js';
import { GivenKafka, publishTexts, readTexts } from './given.js';

/** Of the user `ann`, who may do everything, of `bob`, who may do nothing, and of `cid`, who may do what he is allowed. */
const passwords = { ann: 'right', bob: 'right', cid: 'right' };

type Grant = readonly [
  what: 'TOPIC' | 'GROUP',
  name: string,
  operation: 'READ' | 'WRITE' | 'DESCRIBE_CONFIGS',
];

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

    /** Lets `cid` do something, from now on. */
    async function allow(admin: Admin, grants: readonly Grant[]): Promise<void> {
      const acl = grants.map(([what, name, operation]) => ({
        resourceType: AclResourceTypes[what],
        resourceName: name,
        resourcePatternType: ResourcePatternTypes[what === 'GROUP' ? 'PREFIXED' : 'LITERAL'],
        principal: 'User:cid',
        host: '*',
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes.ALLOW,
      }));
      await admin.createAcls({ acl });
    }

    test('serves an analyser with the rights of docs/analyser.md, and doctor says where it lacks its groups', async () => {
      const options = { ...as('cid', 'right'), analyserGroupId: 'fulcrum-analyser' };
      const mighty = await kafka.connect({ ...options, sasl: as('ann', 'right').sasl });
      const { interactions, circuits, analyses, deadLetters } = options.topics;
      for (const channel of ['interactions', 'circuits', 'analyses', 'dead-letters'] as const)
        await publishTexts(mighty, [channel], channel);
      const admin = await kafka.admin({
        ssl: { ca: [readFileSync(certificates?.ca ?? '')] },
        sasl: { mechanism: 'plain', username: 'ann', password: 'right' },
      });
      const read = [interactions, circuits, analyses];
      await allow(admin, [
        ...read.flatMap((topic): Grant[] => [
          ['TOPIC', topic, 'READ'],
          ['TOPIC', topic, 'DESCRIBE_CONFIGS'],
        ]),
        ['TOPIC', analyses, 'WRITE'],
        ['TOPIC', deadLetters, 'WRITE'],
      ]);
      const broker = await kafka.connect(options);
      const groups = ['', '-circuits', '-analyses'].map((end) => `kafka group fulcrum-analyser${end}`);
      const groupsFound = async () =>
        (await broker.check(['analyses', 'dead-letters'])).filter(({ what }) => groups.includes(what));
      const denied = await until('topics may be seen', async () => {
        const found = await groupsFound();
        return found.length === groups.length && found;
      });
      expect(denied).toMatchObject(groups.map((what) => ({ what, status: 'bad' })));

      await allow(admin, [['GROUP', 'fulcrum-analyser', 'READ']]);
      const found = await until('groups may be seen', async () => {
        const findings = await groupsFound();
        return findings.every(({ status }) => status === 'ok') && findings;
      });
      expect(found).toMatchObject(groups.map((what) => ({ what, status: 'ok' })));
      for (const channel of ['interactions', 'circuits', 'analyses'] as const)
        expect(await readTexts(await broker.consume(channel, 'analysers'), 1)).toEqual([channel]);
      await publishTexts(broker, ['found'], 'analyses');
      await publishTexts(broker, ['bad'], 'dead-letters');
      await expect(publishTexts(broker, ['outcome'])).rejects.toMatchObject({ code: 'denied' });
      expect(await broker.standing('interactions', 'analysers')).toHaveLength(2);
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
