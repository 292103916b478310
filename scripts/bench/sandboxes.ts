import { writeFileSync } from 'node:fs';
import {
  type Cri,
  type PodSpec,
  removePodSandbox,
  runPodSandbox,
  startCri,
  stopPodSandbox,
} from '../../test/support/cri.ts';
import { askOnHost } from '../../test/support/runtime-traffic.ts';
import { alternate, createSeries, type Series } from './alternate.ts';
import { type BothMeasured, createContender } from './contender.ts';
import { type Context, roundsOf, type Side } from './context.ts';
import { Rig } from './rig.ts';
import type { PairSample } from './statistics.ts';

const gateway = '10.22.0.1';

/** The pods answer at the first container port. */
const portMappings: PodSpec['ports'] & {} = [
  { hostPort: 20_080, containerPort: 8080 },
  { hostPort: 20_443, containerPort: 8443 },
];

/** RunPodSandbox and StopPodSandbox of containerd, for pods with two host ports: each side on a host of its own. */
export async function measureSandboxes(context: Context): Promise<BothMeasured> {
  await using rig = new Rig(context, 'sandboxes');
  const open = (side: Side) => createContender(() => openSandboxes(rig, side, context), context.interruption);
  const [ours, reference] = [await open(context.ours), await open(context.reference)];
  await alternate([ours, reference], roundsOf(context, "containerd's sandboxes"));
  return { ours: ours.measured(), reference: reference.measured() };
}

async function openSandboxes(
  rig: Rig,
  { name, binDir }: Side,
  { progress }: Context,
): Promise<Series<PairSample>> {
  progress.tell(`containerd's sandboxes: starting containerd for ${name}`);
  const conflist = `${rig.dir}/${name}.conflist`;
  writeFileSync(conflist, JSON.stringify(toConflist(name)));
  const cri = rig.own(await startCri({ conflist, plugins: binDir }));
  await proveHostPort(cri);
  return createSeries((round) => takePod(cri, `pod-${round}`));
}

/** The shortest by which pods have host ports. */
function toConflist(name: Side['name']): object {
  const capabilities = { portMappings: true };
  const bridge = {
    type: 'bridge',
    bridge: 'fl0',
    isDefaultGateway: true,
    ipMasq: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.22.0.0/16' }]] },
  };
  const plugins =
    name === 'ours' ? [{ ...bridge, capabilities }] : [bridge, { type: 'portmap', capabilities }];
  return { cniVersion: '1.0.0', name: 'pods', plugins };
}

async function proveHostPort(cri: Cri): Promise<void> {
  const pod = await runPodSandbox(cri, { name: 'proof', ports: portMappings });
  const url = `http://${gateway}:${portMappings[0]?.hostPort}/`;
  const answer = await askOnHost(cri.host, url);
  if (answer !== 'a pod') throw new Error(`${url} of a pod answers ${JSON.stringify(answer)}`);
  await stopPodSandbox(cri, pod);
  await removePodSandbox(cri, pod);
}

async function takePod(cri: Cri, name: string): Promise<PairSample> {
  const startedAt = performance.now();
  const pod = await runPodSandbox(cri, { name, ports: portMappings });
  const ranAt = performance.now();
  await stopPodSandbox(cri, pod);
  const stoppedAt = performance.now();
  await removePodSandbox(cri, pod);
  return { addMs: ranAt - startedAt, delMs: stoppedAt - ranAt };
}
