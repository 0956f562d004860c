import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A test authority and a certificate signed by it, as PEM text and as files. */
export interface Certificates {
  ca: string;
  cert: string;
  key: string;
  caFile: string;
  certFile: string;
  keyFile: string;
  remove(): Promise<void>;
}

const LOOPBACK = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'];
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Creates a certificate for these subject alternative names with `openssl`, valid for two days. */
export async function makeCertificates(names: readonly string[] = LOOPBACK): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-tls-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run('openssl', args);
  await openssl(
    ...['req', '-x509', ...KEY, '-days', '2', '-subj', '/CN=sip-push test authority'],
    ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
  );
  await openssl(
    ...['req', ...KEY, '-subj', '/CN=sip-push test'],
    ...['-keyout', file('server.key'), '-out', file('server.csr')],
  );
  await writeFile(file('names'), `subjectAltName=${names.join(',')}\n`);
  await openssl(
    ...['x509', '-req', '-in', file('server.csr'), '-days', '2', '-extfile', file('names')],
    ...['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('server.pem')],
  );
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'server.pem', 'server.key'].map((name) => readFile(file(name), 'utf8')),
  );
  return {
    ca: ca ?? '',
    cert: cert ?? '',
    key: key ?? '',
    caFile: file('ca.pem'),
    certFile: file('server.pem'),
    keyFile: file('server.key'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
