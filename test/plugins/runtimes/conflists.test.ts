import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findCnitool } from '../../support/cnitool.ts';
import type { CniResult } from '../../support/rig.ts';
import {
  conflistsDir,
  createHostCnitool,
  exampleConflists,
  firstAddress,
  readExample,
} from '../../support/runtime-cnitool.ts';
import { type RuntimeHost, startRuntimeHost } from '../../support/runtime-host.ts';
import { leftOnHost, nothingLeft } from '../../support/runtime-leftovers.ts';
import { askOnHost, serveText } from '../../support/runtime-traffic.ts';
import { skipUnless } from '../../support/skip.ts';

const hostPort = 18_080;
const capabilities = { portMappings: [{ hostPort, containerPort: 8080, protocol: 'tcp' }] };

/** What only one container can have, and what no runtime asks of that network. */
const withoutHostPorts = new Set(['mesos.conf']);

/** An outer network for the overlay, which is not used: the other end is here, too. */
async function addUplink(host: RuntimeHost): Promise<void> {
  const lines = [
    'link add name up0 type veth peer name up1',
    'link set dev up1 up',
    'link set dev up0 up',
    'addr add 192.0.2.11/24 dev up0',
    'route add default via 192.0.2.1',
  ];
  await host.must(['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

/** A container's namespace, in the host's own /run. */
async function addContainer(host: RuntimeHost, name: string): Promise<string> {
  await host.must(['ip', 'netns', 'add', name]);
  return name;
}

test.for(exampleConflists())(
  'cnitool runs %s with nothing but our executables',
  async (fileName, context) => {
    const cnitool = await findCnitool();
    skipUnless(context, cnitool !== undefined, 'cnitool could not be had: it needs Go and its modules');
    const { file, name, cniVersion } = readExample(fileName);
    await using host = await startRuntimeHost({ prefix: 'fl-t-conflist' });
    host.addConflist(file);
    await addUplink(host);
    const call = createHostCnitool(host, cnitool ?? '', name);
    const must = async (verb: string) => {
      const outcome = await call(verb, 'fl-web', capabilities);
      expect({ verb, ...outcome }).toMatchObject({ verb, status: 0, stderr: '' });
      return outcome.stdout;
    };
    const container = await addContainer(host, 'fl-web');

    if (cniVersion === '1.1.0') await must('status');
    const result = JSON.parse(await must('add')) as CniResult;
    expect(result).toMatchObject({ cniVersion });
    if (cniVersion !== '0.2.0') await must('check');
    {
      await using _server = await serveText(host, `/run/netns/${container}`, fileName);
      expect(await askOnHost(host, `http://${firstAddress(result)}:8080/`)).toBe(fileName);
      const mapped = await askOnHost(host, `http://127.0.0.1:${hostPort}/`);
      expect(mapped).toBe(withoutHostPorts.has(fileName) ? '' : fileName);
    }
    await must('del');
    await must('del');
    if (cniVersion === '1.1.0') await must('gc');
    expect(await leftOnHost(host, firstAddress(result))).toEqual(nothingLeft);
  },
);

test('the README of the examples names each of them', () => {
  const readme = readFileSync(`${conflistsDir}/README.md`, 'utf8');
  expect(exampleConflists().filter((name) => !readme.includes(`](${name})`))).toEqual([]);
});
