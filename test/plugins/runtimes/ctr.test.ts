import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { must } from '../../support/process.ts';
import { names } from '../../support/rig-registry.ts';
import { conflistsDir } from '../../support/runtime-cnitool.ts';
import { type RuntimeHost, startRuntimeHost } from '../../support/runtime-host.ts';
import { leftOnHost, nothingLeft } from '../../support/runtime-leftovers.ts';
import { makeRootfs } from '../../support/runtime-rootfs.ts';
import { firstAnswer } from '../../support/runtime-traffic.ts';

/** `ctr` on the host. Containers are in the namespace of the host's name, by which their cgroups are found. */
function ctr(host: RuntimeHost, ...args: readonly string[]) {
  return host.run(['ctr', ...args], {
    env: { CONTAINERD_ADDRESS: `${host.dir}/containerd.sock`, CONTAINERD_NAMESPACE: host.name },
    timeoutMs: 60_000,
  });
}

/** The process of a container, once it runs. */
function runningPid(host: RuntimeHost, container: string): Promise<string> {
  return eventually(`ctr to have started ${container}`, async () => {
    const { stdout } = await ctr(host, 'task', 'ls');
    return new RegExp(`^${container} +(\\d+) +RUNNING`, 'm').exec(stdout)?.[1];
  });
}

test('ctr run --cni attaches a container by bridge, portmap, firewall and tuning of ours alone', async () => {
  await using host = await startRuntimeHost({ prefix: 'fl-t-ctr', withContainerd: true });
  host.addConflist(`${conflistsDir}/containerd-chained.conflist`);
  await makeRootfs(`${host.dir}/rootfs`);
  const server = ['/bin/busybox', 'httpd', '-f', '-p', '8080', '-h', '/www'];

  // Attached, for only then does ctr make the DEL when the container ends.
  const options = ['--cni', '--rm', '--null-io', '--rootfs', `${host.dir}/rootfs`];
  const ended = ctr(host, 'run', ...options, 'web', ...server);
  const pid = await runningPid(host, 'web');
  const address = await eventually(
    'the container to be registered',
    async () => names(host)[0]?.split(' ')[1],
  );
  expect(address).toBe('10.88.0.2');
  expect(await firstAnswer(host, `http://${address}:8080/`)).toBe('a container');
  const inContainer = ['--target', pid, '--net', 'cat', '/proc/sys/net/core/somaxconn'];
  expect(await must('nsenter', inContainer)).toBe('500\n');

  await ctr(host, 'task', 'kill', '--signal', 'KILL', 'web');
  expect((await ended).stderr.replace(/.*SIGKILL.*\n?/g, '')).toBe('');
  expect(await leftOnHost(host, '10.88.0.2')).toEqual(nothingLeft);
});
