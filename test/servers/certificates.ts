import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Certificates {
  /** Whom to trust. */
  readonly ca: string;
  /** Of a server on loopback; a client may show it too. */
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority and a certificate of it for loopback, good for a day, in a folder that is there. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(at('names.txt'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const ca = ['-x509', '-days', '1', '-subj', '/CN=fulcrum-trust test authority'];
  openssl('req', ...newKey, ...ca, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', at('server.key'), '-out', at('server.csr'));
  const signed = ['-req', '-days', '1', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  openssl('x509', ...signed, '-in', at('server.csr'), '-extfile', at('names.txt'), '-out', at('server.pem'));
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') };
}

/** Whether this machine can make them. */
export function opensslIsThere(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
