import { isIPv6 } from 'node:net';

/** An IP address and a port as URLs have them. */
export const hostAndPort = (address: string, port: number): string =>
  `${isIPv6(address) ? `[${address}]` : address}:${port}`;
