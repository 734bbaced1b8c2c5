import { createServer } from 'node:http';
import type { Registry } from 'prom-client';

/** Serves `GET /metrics` until the process ends. */
export function serveMetrics(registry: Registry, { host, port }: { host: string; port: number }): void {
  createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end();
    try {
      const text = await registry.metrics();
      return response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch {
      return response.writeHead(503).end();
    }
  })
    .listen(port, host)
    .unref();
}
