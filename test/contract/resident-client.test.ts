import { afterAll, beforeAll, expect, test } from 'vitest';
import { mostRequestBytes } from '../../lib/resident/protocol.ts';
import { Random } from '../support/random.ts';
import { ClientStage, parseExecuted } from '../support/resident-client.ts';
import { answerCalls, type RawRequest, serveCalls } from '../support/resident-server.ts';

let stage: ClientStage;
beforeAll(async () => {
  stage = await ClientStage.open();
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose]());

const random = new Random();

function randomBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** Serves one call, and hands over what arrived. */
async function callServed(call: Parameters<ClientStage['call']>[0]) {
  const requests: RawRequest[] = [];
  await using _ = await answerCalls(stage, (request) => {
    requests.push(request);
    return {};
  });
  const end = await stage.call(call);
  return { end, request: requests[0] };
}

test('the name, directory, environment and stdin arrive byte for byte', async () => {
  const stdin = randomBytes(300_000);
  const prefix = ['bash', '--norc', '-c', `export RAW=$'\\xff\\x01 = \\n' EMPTY=; exec "$0"`];

  const { end, request } = await callServed({ stdin, cwd: '/proc/1', prefix });

  expect(end).toEqual({ status: 0, stdout: Buffer.alloc(0), stderr: '' });
  expect(request?.name.toString()).toBe('bridge');
  expect(request?.directory.toString()).toBe('/proc/1');
  expect(request?.env.toString('latin1').split('\0')).toEqual(
    expect.arrayContaining(['CNI_COMMAND=DEL', 'RAW=\xff\x01 = \n', 'EMPTY=', '']),
  );
  expect(request?.stdin.equals(stdin)).toBe(true);
});

test('the time at which the client began is the monotonic clock’s', async () => {
  const before = Number(process.hrtime.bigint() / 1000n);
  const { request } = await callServed({});
  const after = Number(process.hrtime.bigint() / 1000n);

  expect(request?.startedAtUs).toBeGreaterThanOrEqual(before);
  expect(request?.startedAtUs).toBeLessThanOrEqual(after);
});

test('a request of the most bytes is served, and one byte more is the executable’s', async () => {
  const { request } = await callServed({});
  const room = mostRequestBytes - ['name', 'directory', 'env'].reduce((sum, part) => sum + sizeOf(part), 0);
  function sizeOf(part: string): number {
    return request?.[part as 'name'].length ?? 0;
  }
  const stdin = Buffer.alloc(room + 1, randomBytes(1021));

  const most = await callServed({ stdin: stdin.subarray(0, room) });
  const more = await stage.call({ stdin });

  expect(most.request?.stdin.equals(stdin.subarray(0, room))).toBe(true);
  expect(parseExecuted(more).stdin.equals(stdin)).toBe(true);
  expect(stage.recorded().at(-1)).toBe('large DEL bridge');
});

test('a large environment arrives whole', async () => {
  const env = Object.fromEntries(Array.from({ length: 12 }, (_, each) => [`V${each}`, 'é'.repeat(50_000)]));

  const { request } = await callServed({ env: { CNI_COMMAND: 'ADD', ...env } });

  for (const [name, value] of Object.entries(env))
    expect(request?.env.toString()).toContain(`${name}=${value}\0`);
});

test('stdout, stderr and the status are handed on', async () => {
  const stdout = `{"é":"${'x'.repeat(3_000_000)}"}`;
  await using _ = await answerCalls(stage, () => ({ status: 41, stdout, stderr: 'a line\n' }));

  const end = await stage.call();

  expect(end).toMatchObject({ status: 41, stderr: 'a line\n' });
  expect(end.stdout.equals(Buffer.from(stdout))).toBe(true);
});

test('what comes in single bytes is one answer', async () => {
  await using _ = await serveCalls(stage.socket, async (conversation) => {
    await conversation.sendBytewise(Buffer.from(stage.hello));
    await conversation.receive();
    await conversation.send('B');
    await conversation.sendBytewise(
      Buffer.from([...Buffer.from('R'), 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 104, 105, 33]),
    );
  });

  expect(await stage.call()).toEqual({ status: 3, stdout: Buffer.from('hi'), stderr: '!' });
});

test('a call that has begun is waited for, also after its client was stopped', async () => {
  await using _ = await serveCalls(stage.socket, async (conversation) => {
    await conversation.send(stage.hello);
    await conversation.receive();
    await conversation.send('B');
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    await conversation.answer({ stdout: 'late' });
  });

  const client = stage.start({});
  setTimeout(() => client.kill('SIGSTOP'), 1_000);
  setTimeout(() => client.kill('SIGCONT'), 2_000);

  expect(Buffer.from((await client).stdout).toString()).toBe('late');
}, 15_000);

test('who reads no stdout any more ends the client as it would the executable', async () => {
  await using _ = await serveCalls(stage.socket, async (conversation) => {
    await conversation.send(stage.hello);
    await conversation.receive();
    await conversation.send('B');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await conversation.answer({ stdout: 'x' });
  });

  const { stderr } = await stage.call({ prefix: ['sh', '-c', '{ "$0"; echo $? >&2; } | true'] });

  expect(stderr).toBe('141\n');
});

test.each([
  ['stdin', '<&-', '0 hi'],
  ['stdout', '>&-', '0 '],
  ['stderr', '2>&-', '0 hi'],
  ['all three', '<&- >&- 2>&-', '0 '],
])('with %s closed the call is served', async (_what, redirection, expected) => {
  await using _ = await answerCalls(stage, ({ stdin }) => ({ stdout: `hi${stdin}`, stderr: '!' }));

  const script = `out=$( "$0" ${redirection} 3>/dev/null ); echo "$? $out"`;
  const { stdout } = await stage.call({ prefix: ['sh', '-c', script] });

  expect(stdout.toString()).toBe(`${expected}\n`);
});

test('a pipe that does not wait is waited for', async () => {
  await using _ = await answerCalls(stage, ({ stdin }) => ({ stdout: `${stdin}`.repeat(200_000) }));
  const script = `
import os, subprocess, sys, time
(r, w), (r2, w2) = os.pipe(), os.pipe()
os.set_blocking(r, False); os.set_blocking(w2, False)
child = subprocess.Popen([sys.argv[1]], stdin=r, stdout=w2)
time.sleep(0.2); os.write(w, b'late'); os.close(w); os.close(w2); time.sleep(0.3)
read = len(b''.join(iter(lambda: os.read(r2, 65536), b'')))
print(child.wait(), read)`;

  const { stdout } = await stage.call({ prefix: ['python3', '-c', script] });

  expect(stdout.toString()).toBe('0 800000\n');
});

test.each([
  ['/a/path/bridge', 'bridge'],
  ['bridge', 'bridge'],
  ['Bridge', 'Bridge'],
  ['bridge/', ''],
])('called as %s its name is %j', async (argv0, name) => {
  const prefix = ['bash', '--norc', '-c', 'exec -a "$0" "$1"', argv0];

  const { request } = await callServed({ prefix });

  expect(request?.name.toString()).toBe(name);
});
