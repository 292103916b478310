import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAgentConfig } from '../../../plugins/agent/config.ts';

test('every field of the example configuration is understood', () => {
  const json: unknown = JSON.parse(readFileSync('scripts/agent.example.json', 'utf8'));

  expect(parseAgentConfig(json)).toEqual({
    store: '/var/lib/fairlead/registry.db',
    zone: 'fairlead.internal',
    dns: {
      listen: [{ address: '127.0.0.1', port: 5300 }],
      gatewayPort: 53,
      upstreams: [],
      resolvConf: '/etc/resolv.conf',
      ttlSeconds: 1,
      negativeTtlSeconds: 0,
      visibility: 'network',
      rate: { perSecond: 2000, burst: 4000 },
    },
    api: {
      listen: [{ kind: 'unix', path: '/run/fairlead/api.sock' }],
      tokens: [],
      tls: undefined,
      plaintext: false,
      rate: { perSecond: 5000, burst: 10_000 },
    },
    health: { concurrency: 200 },
    alerts: [
      {
        name: 'half of a service is ill',
        service: '*',
        namespace: '*',
        maxCriticalRatio: 0.5,
        forMs: 30_000,
      },
    ],
    sweepMs: 10_000,
    resultsDir: '/var/lib/cni/results',
    log: 'text',
    rules: true,
    routing: { mode: 'direct', resyncMs: 10_000 },
  });
});
