import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fromWorker } from '../../lib/resident/protocol.ts';
import { startBeside } from '../support/process.ts';
import { ClientStage, expectError, parseExecuted } from '../support/resident-client.ts';
import { answerCalls, begin, type Conversation, greet, serveCalls } from '../support/resident-server.ts';

let stage: ClientStage;
beforeAll(async () => {
  stage = await ClientStage.open();
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  rmSync(stage.fallbacks, { force: true });
  rmSync(stage.socket, { force: true });
});

const conf = '{"cniVersion":"1.0.0","name":"n"}';
const added = { env: { CNI_COMMAND: 'ADD' }, stdin: conf };

/** The client executes the call itself, as it was called, and says why. */
async function expectFallback(reason: string, call: Parameters<ClientStage['call']>[0] = {}): Promise<void> {
  const { args, env, stdin } = parseExecuted(
    await stage.call({ env: { CNI_COMMAND: 'DEL', KEPT: 'é' }, stdin: conf, ...call }),
  );
  expect({ args, stdin: stdin.toString() }).toEqual({ args: ['bridge'], stdin: conf });
  expect(env).toEqual(expect.arrayContaining(['CNI_COMMAND=DEL', 'KEPT=é']));
  expect(stage.recorded()).toEqual([`${reason} DEL bridge`]);
}

/** A server of Python's: one that never accepts, or is another user's. */
function listenIdly({ backlog = 5, user = 0 }) {
  const script =
    'import os,socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.seteuid(int(sys.argv[3])); s.listen(int(sys.argv[2])); print("ready",flush=True); time.sleep(60)';
  return startBeside('python3', ['-c', script, stage.socket, `${backlog}`, `${user}`]);
}

const cases: readonly [string, string, (conversation: Conversation) => Promise<void> | void][] = [
  ['another build', 'differs', (it) => it.send(stage.hello.replace('0123', '3210'))],
  ['another namespace', 'differs', (it) => it.send(stage.hello.replace(/ 4:\d+/, ' 4:1'))],
  ['a longer line', 'differs', (it) => it.send(stage.hello.replace('\n', '0\n'))],
  ['the end before a greeting', 'dropped', (it) => it.end()],
  ['the end within the greeting', 'dropped', (it) => it.send(stage.hello.slice(0, 40)).then(() => it.end())],
  ['no greeting', 'silent', () => undefined],
  ['half a greeting', 'silent', (it) => it.send(stage.hello.slice(0, 40))],
  ['the end after the request', 'dropped', (it) => greet(it, stage.hello).then(() => it.end())],
  ['a request that is never begun', 'silent', (it) => greet(it, stage.hello)],
  ['an end after the begin', 'lost', (it) => begin(it, stage.hello).then(() => it.end())],
  ['an answer of another form', 'lost', (it) => begin(it, stage.hello).then(() => it.send('Q'.repeat(50)))],
];

test.each(cases)(
  'after %s the executable is executed: %s',
  { timeout: 10_000 },
  async (_what, reason, script) => {
    await using _ = await serveCalls(stage.socket, script);

    await expectFallback(reason);
  },
);

test('without an agent, and with a file in its place, the executable is executed', async () => {
  await expectFallback('absent');
  rmSync(stage.fallbacks);
  writeFileSync(stage.socket, '');
  await expectFallback('absent');
});

test('a socket that another user has made is not spoken to', async () => {
  await using _ = await listenIdly({ user: 65_534 });
  await expectFallback('foreign');
}, 15_000);

test('who may not connect executes the call, root without its capabilities or another user', async () => {
  await using _ = await answerCalls(stage, () => ({}));
  const capabilities = '-dac_override,-dac_read_search';
  const root = [
    'setpriv',
    `--bounding-set=${capabilities}`,
    'sh',
    '-c',
    'chmod 0 /run/fairlead/cni.sock; exec "$0"',
  ];

  await expectFallback('refused', { prefix: root });
  const other = await stage.call({ stdin: conf, prefix: ['setpriv', '--reuid=65534', '--clear-groups'] });

  expect(parseExecuted(other).stdin.toString()).toBe(conf);
});

test('a request that a frozen agent takes up later is refused to it', async () => {
  const sent: Conversation[] = [];
  await using _ = await serveCalls(stage.socket, async (conversation) => {
    await greet(conversation, stage.hello);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await conversation.send('B');
    sent.push(conversation);
  });
  await expectFallback('silent');
  await new Promise((resolve) => setTimeout(resolve, 1_500));

  expect(sent[0]?.failure).toMatchObject({ code: 'EPIPE' });
}, 15_000);

test('a full queue is told, and nothing executed', async () => {
  await using _ = await listenIdly({ backlog: 0 });
  const waiting = stage.start(added);
  await new Promise((resolve) => setTimeout(resolve, 300));

  expectError(await stage.call(added), 11, /too many calls waiting/);
  waiting.kill('SIGKILL');
  await waiting;
  expect(stage.recorded()).toEqual([]);
}, 15_000);

test('what is larger than a request reaches the executable whole', async () => {
  const stdin = Buffer.alloc(48_000_001, 'abcdefg');
  const { stdin: arrived } = parseExecuted(await stage.call({ stdin }));

  expect(arrived.equals(stdin)).toBe(true);
  expect(stage.recorded()).toEqual(['large DEL bridge']);
}, 20_000);

test('called by hand, the executable is executed with the arguments, and nothing noted', async () => {
  const { args } = parseExecuted(await stage.call({ env: {}, prefix: ['sh', '-c', 'exec "$0" --help'] }));

  expect(args).toEqual(['bridge', '--help']);
  expect(stage.recorded()).toEqual([]);
});

test('what a worker waits for is executed without asking for another, and nothing noted', async () => {
  const env = { CNI_COMMAND: 'DEL', [fromWorker]: '1' };
  const { args, stdin } = parseExecuted(await stage.call({ env, stdin: conf }));

  expect({ args, stdin: stdin.toString() }).toEqual({ args: ['bridge'], stdin: conf });
  expect(stage.recorded()).toEqual([]);
});

test('the note of fallbacks is bounded, and no caller writes lines of its own', async () => {
  await stage.call({ env: { CNI_COMMAND: 'ADD x\n1795311800 absent DEL bridge' } });
  expect(stage.recorded()).toEqual(['absent - bridge']);

  truncateSync(stage.fallbacks, 256 * 1024);
  await stage.call();
  expect(stage.recorded()).toEqual(['absent - bridge']);
});
