import { expect, test } from 'vitest';
import { isResident } from '../support/binaries.ts';
import { bridgeConf } from '../support/confs.ts';
import { mustInside } from '../support/process.ts';
import { type CallOptions, Rig } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';

// A bridge of the network's own is read from sysfs, where that is this host's; any other by a process.

/** The tools that an ADD starts, in order. */
async function toolsOfAdd(
  rig: Rig,
  container: string,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const answer = await rig.cni('ADD', bridgeConf(rig), container, {
    ...options,
    env: { FAIRLEAD_TIMINGS: '1' },
  });
  expect(answer.status).toBe(0);
  return answer.stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).what)
    .filter((what) => what === 'ip' || what === 'nft');
}

test('a later ADD starts two processes: one for the host’s side, one for the container’s', async (context) => {
  skipUnless(context, !isResident, 'an agent changes links without a process');
  await using rig = await Rig.create();
  await rig.add(bridgeConf(rig), await rig.container());

  expect(await toolsOfAdd(rig, await rig.container())).toEqual(['ip', 'ip']);
});

test('a sysfs of another namespace is not believed, though it has a bridge of the same name and owner', async () => {
  await using rig = await Rig.create();
  await using other = await Rig.create();
  await rig.add(bridgeConf(rig), await rig.container());
  await other.add(bridgeConf(other), await other.container());

  const tools = await toolsOfAdd(rig, await rig.container(), { sysfsOf: other.host });

  expect(tools).toEqual(['ip', 'ip', 'ip']);
});

test('a gateway address that was lost from the network’s bridge is back after the next ADD', async () => {
  await using rig = await Rig.create();
  const { ips, interfaces } = await rig.add(bridgeConf(rig), await rig.container());
  const bridge = interfaces?.[0]?.name ?? '';
  const gateway = ips?.[0]?.gateway ?? '';
  await mustInside(rig.host, 'ip', 'addr', 'flush', 'dev', bridge);

  await rig.add(bridgeConf(rig), await rig.container());

  expect(await mustInside(rig.host, 'ip', 'addr', 'show', 'dev', bridge)).toContain(` ${gateway}/`);
});
