import { expect, test } from 'vitest';
import {
  type Cri,
  type PodSpec,
  type PodStatus,
  podSandboxStatus,
  removePodSandbox,
  runPodSandbox,
  startCri,
  stopPodSandbox,
} from '../../support/cri.ts';
import { eventually } from '../../support/eventually.ts';
import { must } from '../../support/process.ts';
import { names } from '../../support/rig-registry.ts';
import { conflistsDir } from '../../support/runtime-cnitool.ts';
import { leftOnHost, nothingLeft } from '../../support/runtime-leftovers.ts';
import { askOnHost, firstAnswer } from '../../support/runtime-traffic.ts';

const hostPort = 18_080;
const ports = [{ hostPort, containerPort: 8080 }];
const byHostPort = `http://127.0.0.1:${hostPort}/`;

function start(conflist: string): Promise<Cri> {
  return startCri({ conflist: `${conflistsDir}/${conflist}` });
}

/** Runs a pod and waits until its web server is up, which a pod that has just started may not have done. */
async function runServer(cri: Cri, spec: PodSpec): Promise<{ readonly id: string } & PodStatus> {
  const id = await runPodSandbox(cri, spec);
  const status = await podSandboxStatus(cri, id);
  expect(await firstAnswer(cri.host, `http://${status.ip}:8080/`)).toBe('a pod');
  return { id, ...status };
}

/** The kinds of queueing discipline on the host's links. */
async function listQdiscs({ host }: Cri): Promise<readonly string[]> {
  const qdiscs = JSON.parse(await host.must(['tc', '-j', 'qdisc', 'show'])) as readonly { kind: string }[];
  return qdiscs.map(({ kind }) => kind);
}

test.for(['containerd.conflist', 'containerd-chained.conflist'])(
  'a pod of containerd has an address, a host port, its limits and the name of its annotations by %s',
  async (conflist) => {
    await using cri = await start(conflist);
    const { id, ...running } = await runServer(cri, {
      name: 'web',
      ports,
      annotations: {
        SERVICE_NAME: 'shop',
        'kubernetes.io/ingress-bandwidth': '20M',
        'kubernetes.io/egress-bandwidth': '10M',
      },
    });

    expect(running).toMatchObject({ state: 'SANDBOX_READY', ip: '10.88.0.2' });
    expect(running.cniResult).toMatchObject({ Interfaces: { lo: {}, eth0: {} } });
    expect(await askOnHost(cri.host, byHostPort)).toBe('a pod');
    expect(await askOnHost(cri.host, `http://10.88.0.1:${hostPort}/`)).toBe('a pod');
    expect(names(cri.host)).toContain('shop 10.88.0.2:8080');
    expect((await listQdiscs(cri)).filter((kind) => kind === 'tbf')).toHaveLength(2);

    await stopPodSandbox(cri, id);
    expect(await podSandboxStatus(cri, id)).toMatchObject({ state: 'SANDBOX_NOTREADY', ip: '' });
    expect(await leftOnHost(cri.host, '10.88.0.2')).toEqual(nothingLeft);
    await stopPodSandbox(cri, id);
    await removePodSandbox(cri, id);
  },
);

test('a pod whose process was killed is cleaned up by the runtime’s stop', async () => {
  await using cri = await start('containerd.conflist');
  const pod = await runPodSandbox(cri, { name: 'web', ports });
  const { pid } = await podSandboxStatus(cri, pod);
  await must('kill', ['-KILL', `${pid}`]);
  await eventually('containerd to see that the pod has ended', async () => {
    const { state } = await podSandboxStatus(cri, pod);
    return state === 'SANDBOX_NOTREADY' ? state : undefined;
  });

  await stopPodSandbox(cri, pod);

  expect(await leftOnHost(cri.host, '10.88.0.2')).toEqual(nothingLeft);
});

test('a pod that asks for a host port of another is refused by that one’s name, and the other one keeps it', async () => {
  await using cri = await start('containerd.conflist');
  const first = await runServer(cri, { name: 'first', ports });
  const before = await leftOnHost(cri.host, '10.88.0.2');

  const named = new RegExp(`18080.*${first.id}`);
  await expect(runPodSandbox(cri, { name: 'second', ports })).rejects.toThrow(named);

  expect(await leftOnHost(cri.host, '10.88.0.2')).toEqual(before);
  expect(await askOnHost(cri.host, byHostPort)).toBe('a pod');
  await stopPodSandbox(cri, first.id);
  const second = await runServer(cri, { name: 'second', ports });
  expect(await askOnHost(cri.host, byHostPort)).toBe('a pod');
  await stopPodSandbox(cri, second.id);
  expect(await leftOnHost(cri.host, '10.88.0.2')).toEqual(nothingLeft);
});

test('a pod reaches its own host port, and so do the pods beside it', async () => {
  await using cri = await start('containerd.conflist');
  const web = await runServer(cri, { name: 'web', ports });
  const beside = await runServer(cri, { name: 'beside' });
  for (const { pid } of [web, beside]) {
    const url = `http://10.88.0.1:${hostPort}/`;
    const ask = ['--target', `${pid}`, '--net', 'curl', '--silent', '--max-time', '3', url];
    expect((await must('nsenter', ask)).trim()).toBe('a pod');
  }
});

test('the result that containerd keeps of a pod has the DNS servers that the pod was given', async () => {
  await using cri = await start('containerd.conflist');
  const dns = { servers: ['192.0.2.53'], searches: ['example.org'] };
  const pod = await runPodSandbox(cri, { name: 'web', dns });

  const { cniResult } = await podSandboxStatus(cri, pod);

  expect(JSON.stringify(cniResult)).toContain('192.0.2.53');
  await stopPodSandbox(cri, pod);
});

test('eight pods that start and stop at once have a host port each, and leave nothing', async () => {
  await using cri = await start('containerd.conflist');
  const hostPorts = Array.from({ length: 8 }, (_, at) => hostPort + at);

  const pods = await Promise.all(
    hostPorts.map((port) =>
      runServer(cri, { name: `web-${port}`, ports: [{ hostPort: port, containerPort: 8080 }] }),
    ),
  );
  const addresses = pods.map(({ ip }) => ip);
  expect(new Set(addresses)).toHaveProperty('size', 8);
  for (const port of hostPorts) expect(await askOnHost(cri.host, `http://127.0.0.1:${port}/`)).toBe('a pod');

  await Promise.all(pods.map(({ id }) => stopPodSandbox(cri, id)));
  for (const address of addresses) expect(await leftOnHost(cri.host, address)).toEqual(nothingLeft);
});
