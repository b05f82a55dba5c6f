/** Keys and tokens of NATS, made here: nkey users, and an operator with an account and a user. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const kinds = { operator: 14, account: 0, user: 20 } as const;
const seedByte = 18 << 3;

export interface Nkey {
  readonly publicKey: string;
  readonly seed: string;
  readonly privateKey: KeyObject;
}

export function makeNkey(kind: keyof typeof kinds): Nkey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { x = '', d = '' } = privateKey.export({ format: 'jwk' });
  const kindByte = kinds[kind] << 3;
  const seedPrefix = [seedByte | (kindByte >> 5), (kindByte & 31) << 3];
  return {
    publicKey: encode([kindByte, ...Buffer.from(x, 'base64url')]),
    seed: encode([...seedPrefix, ...Buffer.from(d, 'base64url')]),
    privateKey: createPrivateKey({ key: privateKey.export({ format: 'jwk' }), format: 'jwk' }),
  };
}

/** What a server of an operator is configured with, and the creds file of a user of its one account. */
export function makeOperator(): { readonly config: string; readonly creds: string } {
  const [operator, account, user] = [makeNkey('operator'), makeNkey('account'), makeNkey('user')];
  const system = makeNkey('account');
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = {
    ...unlimited,
    ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  };
  const noStreams = { mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 };
  const operatorToken = tokenOf(operator, operator, { type: 'operator' });
  const [accountToken, systemToken] = [account, system].map((subject) =>
    tokenOf(operator, subject, {
      type: 'account',
      limits: subject === system ? { ...limits, ...noStreams } : limits,
    }),
  );
  const userToken = tokenOf(account, user, { type: 'user', pub: {}, sub: {}, ...unlimited });
  return {
    config: [
      `operator: "${operatorToken}"`,
      'resolver: MEMORY',
      `system_account: ${system.publicKey}`,
      `resolver_preload: { ${account.publicKey}: "${accountToken}", ${system.publicKey}: "${systemToken}" }`,
    ].join('\n'),
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userToken,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      user.seed,
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
}

function tokenOf(issuer: Nkey, subject: Nkey, nats: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: subject.publicKey,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.publicKey,
    name: 'test',
    sub: subject.publicKey,
    nats: { ...nats, version: 2 },
  };
  const signed = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), issuer.privateKey).toString('base64url')}`;
}

/** Base 32 of the bytes and their checksum. */
function encode(bytes: readonly number[]): string {
  const checksum = crc16(bytes);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes, checksum & 255, checksum >> 8]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

/** CRC-16/XMODEM. */
function crc16(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
