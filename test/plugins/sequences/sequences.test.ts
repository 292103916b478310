import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CniResult } from '../../support/rig.ts';
import { names } from '../../support/rig-registry.ts';
import { firstAddress } from '../../support/runtime-cnitool.ts';
import { type RuntimeHost, startRuntimeHost } from '../../support/runtime-host.ts';
import { leftOnHost, nothingLeft } from '../../support/runtime-leftovers.ts';
import {
  fillIn,
  type Known,
  playCall,
  type RecordedCall,
  readSequence,
} from '../../support/runtime-sequence.ts';
import { askOnHost, serveText } from '../../support/runtime-traffic.ts';

const container = 'fl-web';
const netns = `/run/netns/${container}`;
const sequences = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));

/** What a call of the sequence is told apart by. */
function title({ plugin, env }: RecordedCall, at: number): string {
  return `call ${at + 1}, ${env.CNI_COMMAND} of ${plugin}`;
}

/** What the container answers, and what it is called, at this moment. */
async function observe(host: RuntimeHost, { answers }: NonNullable<RecordedCall['then']>) {
  await using _server = await serveText(host, netns, 'the container');
  const heard: string[] = [];
  for (const url of answers) heard.push(`${url} ${await askOnHost(host, url)}`);
  return { heard, names: names(host) };
}

test.for(sequences)('our executables serve the calls of %s to the end, and nothing is left', async (file) => {
  const { calls } = readSequence(`${import.meta.dirname}/${file}`);
  await using host = await startRuntimeHost({ prefix: 'fl-t-sequence' });
  await host.must(['ip', 'netns', 'add', container]);
  let known: Known = { netns, prevResult: undefined };
  for (const [at, call] of calls.entries()) {
    const where = title(call, at);
    if (call.first === 'remove the namespace') await host.must(['ip', 'netns', 'del', container]);

    const { status, stdout, stderr } = await playCall(host, call, known);

    expect({ call: where, status, stdout, stderr }).toMatchObject({ call: where, status: 0, stderr: '' });
    const answered: unknown = stdout === '' ? undefined : JSON.parse(stdout);
    if (call.result !== undefined)
      expect(answered, where).toMatchObject(fillIn(call.result, known) as object);
    if (call.env.CNI_COMMAND === 'ADD') known = { netns, prevResult: answered };
    if (call.then !== undefined) {
      const heard = call.then.answers.map((url) => `${url} the container`);
      expect(await observe(host, call.then), where).toEqual({ heard, names: [...call.then.names].sort() });
    }
  }
  expect(await leftOnHost(host, firstAddress(known.prevResult as CniResult))).toEqual(nothingLeft);
});
