import { expect, type TestContext, test } from 'vitest';
import { names } from '../../support/rig-registry.ts';
import { conflistsDir } from '../../support/runtime-cnitool.ts';
import { type RuntimeHost, startRuntimeHost } from '../../support/runtime-host.ts';
import { leftOnHost, nothingLeft } from '../../support/runtime-leftovers.ts';
import { createPodman, findPodman, type Podman } from '../../support/runtime-podman.ts';
import { askOnHost, firstAnswer } from '../../support/runtime-traffic.ts';
import { skipUnless } from '../../support/skip.ts';

const answer = 'a container';

async function start(context: TestContext, host: RuntimeHost): Promise<Podman> {
  const found = await findPodman();
  skipUnless(context, found !== undefined, 'podman 4, the last with CNI, is not among the packages here');
  host.addConflist(`${conflistsDir}/podman.conflist`);
  const podman = await createPodman(host, found ?? '');
  expect(await podman('info', '--format', '{{.Host.NetworkBackend}}')).toMatchObject({ stdout: 'cni\n' });
  return podman;
}

/** Runs a web server as a container; its cgroup is found by the host's name. */
async function runServer(host: RuntimeHost, podman: Podman, ...options: readonly string[]): Promise<void> {
  const server = ['/bin/busybox', 'httpd', '-f', '-p', '8080', '-h', '/www'];
  const outcome = await podman(
    ...['run', '--detach', '--cgroup-parent', `/${host.name}`, ...options],
    ...['--rootfs', `${host.dir}/rootfs`, ...server],
  );
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
}

async function inspect(podman: Podman, container: string): Promise<{ readonly IPAddress: string }> {
  const { stdout } = await podman('inspect', '--format', '{{json .NetworkSettings}}', container);
  return JSON.parse(stdout);
}

test('podman publishes a container’s port, names it by its aliases, and leaves nothing of it', async (context) => {
  await using host = await startRuntimeHost({ prefix: 'fl-t-podman' });
  const podman = await start(context, host);

  await runServer(host, podman, '--name', 'web', '--publish', '18080:8080', '--network', 'podman:alias=shop');
  const { IPAddress } = await inspect(podman, 'web');
  expect(IPAddress).toBe('10.89.0.2');
  expect(await firstAnswer(host, `http://${IPAddress}:8080/`)).toBe(answer);
  expect(await askOnHost(host, 'http://127.0.0.1:18080/')).toBe(answer);
  expect(names(host)).toContain('web 10.89.0.2');
  expect(names(host).filter((name) => name.startsWith('shop '))).toHaveLength(1);

  expect(await podman('stop', '--time', '0', 'web')).toMatchObject({ status: 0 });
  expect(await leftOnHost(host, '10.89.0.2')).toEqual(nothingLeft);
  expect(await podman('rm', 'web')).toMatchObject({ status: 0, stderr: '' });
});

test('podman gives a container the address and the MAC that it was asked for, again when it starts again', async (context) => {
  await using host = await startRuntimeHost({ prefix: 'fl-t-podman' });
  const podman = await start(context, host);
  const asked = { IPAddress: '10.89.0.77', MacAddress: '02:00:5e:10:00:01' };

  await runServer(host, podman, '--name', 'web', '--ip', asked.IPAddress, '--mac-address', asked.MacAddress);
  expect(await inspect(podman, 'web')).toMatchObject(asked);
  expect(await podman('restart', '--time', '0', 'web')).toMatchObject({ status: 0 });
  expect(await inspect(podman, 'web')).toMatchObject(asked);
  expect(await firstAnswer(host, 'http://10.89.0.77:8080/')).toBe(answer);

  expect(await podman('rm', '--force', '--time', '0', 'web')).toMatchObject({ status: 0, stderr: '' });
  expect(await leftOnHost(host, '10.89.0.77')).toEqual(nothingLeft);
});

test('podman is refused a host port that another container has', async (context) => {
  await using host = await startRuntimeHost({ prefix: 'fl-t-podman' });
  const podman = await start(context, host);
  await runServer(host, podman, '--name', 'web', '--publish', '127.0.0.1:18080:8080');

  const second = await podman(
    ...['run', '--detach', '--cgroup-parent', `/${host.name}`, '--name', 'late', '--publish', '18080:8080'],
    ...['--rootfs', `${host.dir}/rootfs`, '/bin/busybox', 'sleep', '60'],
  );

  expect(second.status).not.toBe(0);
  expect(await firstAnswer(host, 'http://10.89.0.2:8080/')).toBe(answer);
  expect(await askOnHost(host, 'http://127.0.0.1:18080/')).toBe(answer);
  expect(await podman('rm', '--all', '--force', '--time', '0')).toMatchObject({ status: 0 });
  expect(await leftOnHost(host, '10.89.0.2')).toEqual(nothingLeft);
});
