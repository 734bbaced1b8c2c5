import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type Certificate, fingerprintOf } from '../hosts/certificate.ts';

/** One service that hosts of the cluster may reach. */
export interface Door {
  readonly service: string;
  readonly port: number;
  /** Where the service listens on this machine. */
  readonly target: { readonly host: string; readonly port: number };
  /** Whether clients ask for TLS first, as Postgres' do (PostgreSQL manual, "SSL Session Encryption"). */
  readonly asksFirst: boolean;
  readonly alpn?: 'h2' | 'http/1.1';
}

export interface GateOptions {
  readonly address: string;
  readonly doors: readonly Door[];
  readonly own: Certificate;
  /** Folder with one certificate for each host that is let in: `<host id>.pem`. */
  readonly hostsFolder: string;
  /** Folder with those of hosts that are let in no more, named alike. */
  readonly revokedFolder: string;
}

/** Told of what happens at the gate. `host`: its id, undefined where nobody showed a certificate that is or was known. */
export type GateEvent = (what: 'refused' | 'expelled', facts: { service: string; host?: string }) => void;

/** How long a stranger may take to show who it is. */
const patienceMs = 10_000;
/** Far more than a cluster of some dozens of hosts keeps open. */
const mostConnections = 2_000;
/** A host that vanished is noticed after this and ten further seconds. */
const keepAliveMs = 30_000;

/** `SSLRequest`, `GSSENCRequest`: length 8, then the code (PostgreSQL manual, "Message Formats"). */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const gssRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]);

/**
 * The one way into the cluster's services from other machines: TLS 1.3 with certificates on both sides, and nothing is
 * passed on before the other side's own is one of those in the folder. The services themselves stay on loopback addresses.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #told: GateEvent;
  readonly #servers: Server[] = [];
  readonly #open = new Map<TLSSocket, { fingerprint: string; service: string; host: string }>();

  constructor(options: GateOptions, told: GateEvent) {
    this.#options = options;
    this.#told = told;
  }

  /** Resolves when all doors are open; the error of one that cannot be opened is thrown. */
  async open(): Promise<void> {
    for (const door of this.#options.doors) await this.#openDoor(door);
  }

  /** Ends the connections of hosts that are let in no more. */
  recheck(): void {
    const known = this.#known();
    for (const [socket, { fingerprint, service, host }] of this.#open) {
      if (known.has(fingerprint)) continue;
      socket.destroy();
      this.#told('expelled', { service, host });
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#open.keys()) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  async #openDoor(door: Door): Promise<void> {
    const { own, address } = this.#options;
    const secure = createTlsServer(
      {
        cert: own.certificate,
        key: own.key,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // No authority signs hosts: each is known by its own certificate, below.
        rejectUnauthorized: false,
        handshakeTimeout: patienceMs,
        ...(door.alpn === undefined ? {} : { ALPNProtocols: [door.alpn] }),
      },
      (client) => this.#admit(door, client),
    );
    secure.on('tlsClientError', () => {});
    const server = door.asksFirst ? createServer((socket) => askedFirst(socket, secure)) : secure;
    server.maxConnections = mostConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(door.port, address, resolve);
    });
    this.#servers.push(server);
  }

  #admit(door: Door, client: TLSSocket): void {
    client.on('error', () => {});
    const fingerprint = client.getPeerX509Certificate()?.fingerprint256;
    const host = fingerprint === undefined ? undefined : this.#known().get(fingerprint);
    if (fingerprint === undefined || host === undefined) {
      client.destroy();
      const revoked = certificatesIn(this.#options.revokedFolder).get(fingerprint ?? '');
      this.#told('refused', { service: door.service, ...(revoked === undefined ? {} : { host: revoked }) });
      return;
    }
    this.#open.set(client, { fingerprint, service: door.service, host });
    client.once('close', () => this.#open.delete(client));
    client.setKeepAlive(true, keepAliveMs).setNoDelay(true);
    joinBoth(client, connect({ ...door.target, noDelay: true }));
  }

  /** Read anew each time: whoever is taken off the list must not get in on an older one. */
  #known(): Map<string, string> {
    return certificatesIn(this.#options.hostsFolder);
  }
}

/** Ids of hosts by the fingerprints of their certificates. */
function certificatesIn(folder: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.pem')) continue;
    try {
      known.set(fingerprintOf(readFileSync(join(folder, name), 'utf8')), name.slice(0, -4));
    } catch {
      // Taken away meanwhile, or no certificate: lets nobody in.
    }
  }
  return known;
}

/** Waits until the client asks for TLS, and hands it over then; whoever asks for anything else is turned away. */
function askedFirst(socket: Socket, secure: ReturnType<typeof createTlsServer>): void {
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.on('error', () => {});
  socket.once('readable', function asked() {
    const request: Buffer | null = socket.read(sslRequest.length);
    if (request?.equals(gssRequest)) {
      socket.write('N');
      socket.once('readable', asked);
    } else if (request?.equals(sslRequest)) {
      socket.setTimeout(0);
      socket.write('S');
      secure.emit('connection', socket);
    } else socket.destroy();
  });
}

/** What comes in on one side goes out on the other, until either ends. */
function joinBoth(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy()).once('close', () => to.destroy());
  }
}
