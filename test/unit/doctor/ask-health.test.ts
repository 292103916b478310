import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { askHealth } from '../../../lib/doctor/host/ask-health.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Asks something at a socket that answers so. */
async function ask(status: number, body: string) {
  using directory = temporaryDirectory();
  const socket = `${directory.path}/api.sock`;
  await using server = createServer((request, reply) => {
    reply.writeHead(request.url === '/healthz' ? status : 404).end(body);
  }).listen(socket);
  await once(server, 'listening');
  return await askHealth(`unix:${socket}`);
}

test.each([
  ['an agent that is well', 200, '{"status":"ok","revision":1,"problems":[]}', { problems: [] }],
  ['an agent with problems', 503, '{"status":"failing","problems":["a","b"]}', { problems: ['a', 'b'] }],
  [
    'an agent that says no more without a token',
    503,
    '{"status":"failing"}',
    { problems: [expect.any(String)] },
  ],
  ['another program', 200, '<html>', { kind: 'unclear' }],
  ['another program with JSON', 404, '[1]', { kind: 'unclear' }],
])('%s', async (_, status, body, expected) => {
  expect(await ask(status, body)).toMatchObject({ kind: 'answered', ...expected });
});

test('where there is no socket, nobody answers; what is no place is said to be none', async () => {
  using directory = temporaryDirectory();

  expect(await askHealth(`unix:${directory.path}/none.sock`)).toMatchObject({ kind: 'absent' });
  expect(await askHealth('nonsense')).toMatchObject({ kind: 'unclear' });
});
