import { spawn, spawnSync } from 'node:child_process';
import { askLoopback } from './asker.ts';
import type { Answer, Call, Outcome, Request } from './call.ts';

// A process that lives in a host's network namespace, so that the plugins it starts are in there from the beginning:
// an `ip netns exec` for each call would be measured with it. It takes requests from its parent and ends with it.

/** Well over the slowest call; a plugin that hangs shall not hang the bench. */
const callTimeoutMs = 60_000;

process.on('message', async (request: Request) => {
  process.send?.(await answer(request));
});
process.on('disconnect', () => process.exit());

async function answer({ order, calls, questions }: Request): Promise<Answer> {
  const startedAt = performance.now();
  const outcomes =
    order === 'one by one' ? calls.map(callEachAndWait) : await Promise.all(calls.map(startEach));
  const wallMs = performance.now() - startedAt;
  const { port = 0, names = [] } = questions ?? {};
  return { wallMs, outcomes, resolutions: await Promise.all(names.map((name) => askLoopback(name, port))) };
}

function callEachAndWait(call: Call): Outcome {
  const outcome = callAndWait(call);
  const next = nextOf(outcome);
  return next === undefined ? outcome : after(outcome, callEachAndWait(next));
}

async function startEach(call: Call): Promise<Outcome> {
  const outcome = await start(call);
  const next = nextOf(outcome);
  return next === undefined ? outcome : after(outcome, await startEach(next));
}

/** A DEL answers nothing, and nothing is handed on. */
function nextOf({ call: { next }, status, stdout }: Outcome): Call | undefined {
  if (next === undefined || status !== 0) return undefined;
  if (stdout === '') return next;
  return { ...next, stdin: JSON.stringify({ ...JSON.parse(next.stdin), prevResult: JSON.parse(stdout) }) };
}

function after(one: Outcome, other: Outcome): Outcome {
  return { ...other, tookMs: one.tookMs + other.tookMs };
}

function callAndWait(call: Call): Outcome {
  const { file, env, stdin } = call;
  const startedAt = performance.now();
  const ended = spawnSync(file, {
    env,
    input: stdin,
    encoding: 'utf8',
    timeout: callTimeoutMs,
    killSignal: 'SIGKILL',
  });
  const tookMs = performance.now() - startedAt;
  const status = ended.status ?? ended.error?.message ?? ended.signal ?? 'unknown';
  return { call, tookMs, status, stdout: ended.stdout ?? '', stderr: ended.stderr ?? '' };
}

function start(call: Call): Promise<Outcome> {
  const { file, env, stdin } = call;
  const startedAt = performance.now();
  const child = spawn(file, { env, timeout: callTimeoutMs, killSignal: 'SIGKILL' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A plugin may end without having read: its status says what there is to say.
  child.stdin.on('error', () => undefined).end(stdin);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const end = (status: number | string) =>
    resolve({ call, tookMs: performance.now() - startedAt, status, stdout, stderr });
  child.on('error', ({ message }) => end(message));
  child.on('close', (code, signal) => end(code ?? signal ?? 'unknown'));
  return promise;
}
