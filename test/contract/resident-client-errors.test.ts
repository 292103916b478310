import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeAnswer } from '../../lib/resident/protocol.ts';
import { rounds } from '../support/binaries.ts';
import { Random } from '../support/random.ts';
import { ClientStage, expectError, parseExecuted } from '../support/resident-client.ts';
import { begin, greet, serveCalls } from '../support/resident-server.ts';

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

test('an answer cut at any byte is lost: an ADD is told so, a DEL executed', async () => {
  const bytes = Buffer.concat([
    Buffer.from('B'),
    encodeAnswer({ status: 0, stdout: '{"a":1}', stderr: 'e' }),
  ]);
  for (let cut = 1; cut < bytes.length; cut++) {
    await using _ = await serveCalls(stage.socket, async (conversation) => {
      await greet(conversation, stage.hello);
      await conversation.send(bytes.subarray(0, cut));
      conversation.end();
    });
    rmSync(stage.fallbacks, { force: true });

    expectError(await stage.call(added), 11, /worker ended.*send DEL/);
    expect(stage.recorded()).toEqual([]);
    parseExecuted(await stage.call({ stdin: conf }));
    expect(stage.recorded()).toEqual(['lost DEL bridge']);
  }
}, 30_000);

test('of random greetings none is served', async () => {
  const random = new Random();
  for (let round = 0; round < rounds({ short: 60, soak: 5_000 }); round++) {
    const length = 1 + random.below(300);
    const noise = Buffer.from(Array.from({ length }, () => random.below(256)));
    const kept = stage.hello.slice(0, random.below(2) * random.below(stage.hello.length - 1));
    await using _ = await serveCalls(stage.socket, async (conversation) => {
      await conversation.send(Buffer.concat([Buffer.from(kept), noise]));
      conversation.end();
    });
    rmSync(stage.fallbacks, { force: true });

    parseExecuted(await stage.call({ stdin: conf }));
    expect(stage.recorded()[0], `round ${round}, SEED=${random.seed}`).toMatch(/^(differs|dropped) /);
  }
}, 300_000);

test.each([
  ['{"cniVersion" :\n "0.4.0" }', '0.4.0'],
  ['{"cniVersion":"1.0.0-x"}', '1.1.0'],
  ['{"cniVersion":"1111111111111111"}', '1.1.0'],
  ['{"cniVersion":', '1.1.0'],
  ['', '1.1.0'],
])('an error about %j has the version %s', async (stdin, version) => {
  await using _ = await serveCalls(stage.socket, (it) => begin(it, stage.hello).then(() => it.end()));
  const { stdout } = await stage.call({ ...added, stdin });
  expect(JSON.parse(stdout.toString()).cniVersion).toBe(version);
});

test('a client without an executable says so, and one in its place does not execute itself', async () => {
  const executable = `${stage.dir}/bin/fairlead`;
  renameSync(executable, `${executable}.away`);
  const without = await stage.call(added);
  copyFileSync(`${stage.dir}/client`, executable);
  const instead = await stage.call(added);
  renameSync(`${executable}.away`, executable);

  for (const end of [without, instead]) expectError(end, 5, /cannot be started: run "fairlead install"/);
});
