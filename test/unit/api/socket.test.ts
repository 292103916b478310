import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { listenOnSocket } from '../../../lib/api/unix-socket.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { call, createRig, draftOf, fieldOf } from './rig.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test('the socket is open to its owner and group, in a directory that all may enter, and goes with the API', async () => {
  const rig = await createRig();
  expect(modeOf(rig.socket)).toBe('660');
  expect(modeOf(`${rig.dir}/run`)).toBe('755');
  expect(readdirSync(`${rig.dir}/run`)).toEqual(['api.sock']);
  await rig.api[Symbol.asyncDispose]();
  expect(existsSync(rig.socket)).toBe(false);
  await rig[Symbol.asyncDispose]();
});

test('a narrow umask does not close the directory, and an existing directory keeps its mode', async () => {
  using dir = temporaryDirectory();
  const umask = process.umask(0o077);
  try {
    await using _rig = await createRig({ listen: [{ kind: 'unix', path: `${dir.path}/made/api.sock` }] });
    expect(modeOf(`${dir.path}/made`)).toBe('755');
  } finally {
    process.umask(umask);
  }
  await using _rig = await createRig({ listen: [{ kind: 'unix', path: `${dir.path}/api.sock` }] });
  expect(modeOf(dir.path)).toBe('700');
});

test('the socket has the mode that is asked for', async () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/api.sock`;
  await using _rig = await createRig({ listen: [{ kind: 'unix', path, mode: 0o600 }] });
  expect(modeOf(path)).toBe('600');
});

test('what a killed agent has left is replaced, and a live agent is left alone', async () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/api.sock`;
  const leave = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await execa(process.execPath, ['-e', leave], { reject: false });
  expect(statSync(path).isSocket()).toBe(true);
  await using _rig = await createRig({ listen: [{ kind: 'unix', path }] });
  expect((await call(path, 'GET /healthz')).status).toBe(200);
  await expect(createRig({ listen: [{ kind: 'unix', path }] })).rejects.toThrow(
    /another agent serves it; stop that one first/,
  );
  expect((await call(path, 'GET /healthz')).status).toBe(200);
});

test('a file that is no socket is not removed', async () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/precious`;
  writeFileSync(path, 'data');
  await expect(createRig({ listen: [{ kind: 'unix', path }] })).rejects.toThrow(/no socket is there/);
  expect(statSync(path).size).toBe(4);
});

test('an agent that ends leaves the socket of its successor', async () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/api.sock`;
  const first = createServer();
  const removeFirst = await listenOnSocket(first, path, 0o660);
  await new Promise((resolve) => first.close(resolve));
  const second = createServer();
  const removeSecond = await listenOnSocket(second, path, 0o660);
  removeFirst();
  expect(existsSync(path)).toBe(true);
  removeSecond();
  expect(existsSync(path)).toBe(false);
  second.close();
});

test.each([
  ['relative/api.sock', /absolute path/],
  [`/tmp/${'x'.repeat(120)}`, /107/],
  ['/tmp/', /absolute path/],
])('a path that cannot be a socket’s is refused: %s', async (path, message) => {
  await expect(createRig({ listen: [{ kind: 'unix', path }] })).rejects.toThrow(
    expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
  );
});

test('a listener that cannot be opened leaves none of the others behind', async () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/api.sock`;
  mkdirSync(`${dir.path}/taken`);
  const listen = [
    { kind: 'unix', path },
    { kind: 'unix', path: `${dir.path}/taken` },
  ] as const;
  await expect(createRig({ listen })).rejects.toThrow(/taken/);
  expect(readdirSync(dir.path)).toEqual(['taken']);
});

test('curl over the socket registers, picks, drains, withdraws and follows events', async () => {
  await using rig = await createRig();
  const curl = async (...args: string[]) =>
    (await execa('curl', ['-sS', '--unix-socket', rig.socket, ...args])).stdout;
  const made = JSON.parse(await curl('http://agent/services/web', '-d', '{"Host":"10.1.0.2","Port":80}'));
  const { id } = made as { id: string };
  expect(JSON.parse(await curl('http://agent/services/web/pick'))).toMatchObject({ id, host: '10.1.0.2' });
  const url = `http://agent/services/web/${id}`;
  expect(JSON.parse(await curl('-X', 'PUT', '-d', '{"Status":"draining"}', url))).toMatchObject({
    status: 'draining',
  });
  expect(await curl('-o', '/dev/null', '-w', '%{http_code}', 'http://agent/services/web/pick')).toBe('503');
  expect(await curl('-X', 'DELETE', '-w', '%{http_code}', url)).toBe('204');
  const events = execa(
    'curl',
    ['-sSN', '--unix-socket', rig.socket, '-H', 'Accept: text/event-stream', 'http://agent/watch'],
    {
      timeout: 300,
      reject: false,
    },
  );
  expect((await events).stdout).toContain('event: snapshot');
});

test('one connection serves many requests', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const urls = Array.from({ length: 20 }, () => 'http://agent/services/web');
  const { stdout } = await execa('curl', [
    '-sS',
    '--unix-socket',
    rig.socket,
    '-w',
    '%{num_connects} ',
    ...urls,
  ]);
  expect(stdout.match(/\d+ (?=\{|$)/g)?.map(Number)).toEqual([1, ...urls.slice(1).map(() => 0)]);
  expect(fieldOf(await call(rig.socket, 'GET /services/web'), 'revision')).toBe('1');
});
