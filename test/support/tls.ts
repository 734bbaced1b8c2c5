import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { createServer } from 'node:tls';

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of its own and a server certificate for 127.0.0.1 and `name`, good for a day, made with openssl(1). */
export function makeCertificates(folder: string, name: string): Certificates {
  const file = (part: string): string => path.join(folder, part);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    ...newKey,
    '-x509',
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  );
  openssl(...newKey, '-subj', `/CN=${name}`, '-keyout', file('server.key'), '-out', file('server.csr'));
  writeFileSync(file('names'), `subjectAltName=DNS:${name},IP:127.0.0.1\n`);
  const signed = [
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-extfile',
    file('names'),
  ];
  openssl('x509', '-req', '-days', '1', '-in', file('server.csr'), ...signed, '-out', file('server.pem'));
  return { caFile: file('ca.pem'), certFile: file('server.pem'), keyFile: file('server.key') };
}

/** Ends TLS in front of a plain `host:port`. */
export async function tlsProxy(
  to: string,
  { certFile, keyFile }: Certificates,
  alpn: 'h2' | 'http/1.1',
): Promise<{ address: string; connections(): number; close(): void }> {
  const [host, port] = to.split(':');
  let connections = 0;
  const server = createServer(
    { cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: [alpn] },
    (client) => {
      connections += 1;
      const target = connect(Number(port), host);
      client.on('error', () => target.destroy()).on('close', () => target.destroy());
      target.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.pipe(target).pipe(client);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('no port');
  return { address: `127.0.0.1:${bound.port}`, connections: () => connections, close: () => server.close() };
}
