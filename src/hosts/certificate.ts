import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import { isProgramMissing, runCommand } from '../stack/run.ts';

/** A key pair and the certificate that shows it, both PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** What every certificate here is made out to: it is known by its key, not by who signed it or where it lies. */
export const certifiedName = 'holdfast';

/** A certificate that stands for itself is good until somebody takes it off a list. */
const days = 36_500;

const form = `[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = ${certifiedName}
[extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:${certifiedName}
`;

/** Makes a key on P-256 and a certificate signed by itself, with openssl(1). Failures `tool_missing`, `tool_failed`. */
export async function makeCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-certificate-'));
  const file = (name: string): string => join(folder, name);
  try {
    await writeFile(file('form'), form);
    const { code, stderr } = await runCommand('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-sha256'],
      ...[
        '-days',
        String(days),
        '-config',
        file('form'),
        '-keyout',
        file('key'),
        '-out',
        file('certificate'),
      ],
    ]).catch((error: unknown) => {
      if (!isProgramMissing(error)) throw error;
      throw new Failure('tool_missing', { what: 'openssl', command: 'apt-get install openssl' });
    });
    if (code !== 0) throw new Failure('tool_failed', { what: 'The certificate', detail: stderr.trim() });
    return {
      certificate: await readFile(file('certificate'), 'utf8'),
      key: await readFile(file('key'), 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** SHA-256 over the certificate: what the gate knows a host by. */
export const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;
