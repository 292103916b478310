import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

// As a program would import it: what the build has made.
const { createClient, NoHealthyInstance } = (await import(
  `${import.meta.dirname}/../../dist/client/client/index.js`
)) as typeof import('../../lib/client/index.ts');

/** An HTTP server on loopback that answers with its name. */
async function serve(
  name: string,
): Promise<AsyncDisposable & { readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ask = async ({ host, port }: { host: string; port: number }, signal: AbortSignal) =>
  (await fetch(`http://${host}:${port}/`, { signal })).text();

test('a program registers itself, is called by others, and its failing neighbour is passed over', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  await using one = await serve('one');
  await using client = createClient({ api: `unix:${agent.socket}`, retries: 2 });
  await using _well = await client.register('greeter', { host: '127.0.0.1', port: one.port, ttlMs: 5_000 });
  await using _dead = await client.register('greeter', { host: '127.0.0.1', port: 9, ttlMs: 5_000 });

  const answers = [];
  for (let call = 0; call < 6; call++) answers.push(await client.call('greeter', ask));

  expect(answers).toEqual(Array.from({ length: 6 }, () => 'one'));
  expect(await agent.dig('greeter.default.svc.fairlead.internal')).toEqual(['127.0.0.1']);
});

test('a program that withdraws is not picked any more, and whoever asks then is told so', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  await using client = createClient({ api: `unix:${agent.socket}` });
  {
    await using _registered = await client.register('greeter', {
      host: '127.0.0.1',
      port: 8080,
      ttlMs: 5_000,
    });
    expect(await client.pick('greeter')).toMatchObject({ host: '127.0.0.1', port: 8080 });
  }

  await until(async () => {
    try {
      await client.pick('greeter');
      return false;
    } catch (error) {
      return error instanceof NoHealthyInstance;
    }
  }, 'the instance to leave the cache');
});
