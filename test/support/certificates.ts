import { chmodSync } from 'node:fs';
import { must } from './process.ts';

/** Paths of PEM files: an authority, and a certificate of it with which servers and clients show themselves. */
export type Certificates = { readonly ca: string; readonly cert: string; readonly key: string };

const newKey = [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  ...['-nodes', '-days', '2'],
];

/** Makes an authority and a certificate for the addresses. @param at - what the names of the files begin with */
export async function makeCertificates(at: string, addresses = ['127.0.0.1']): Promise<Certificates> {
  const [ca, caKey, cert, key] = [`${at}-ca.pem`, `${at}-ca.key`, `${at}-cert.pem`, `${at}-key.pem`];
  await must('openssl', ['req', '-x509', ...newKey, '-subj', '/CN=authority', '-keyout', caKey, '-out', ca]);
  const names = ['DNS:localhost', ...addresses.map((address) => `IP:${address}`)];
  const signed = ['-CA', ca, '-CAkey', caKey, '-addext', `subjectAltName=${names.join(',')}`];
  await must('openssl', [
    ...['req', '-x509', ...newKey, '-subj', '/CN=server', ...signed],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert],
  ]);
  chmodSync(key, 0o600);
  return { ca, cert, key };
}
