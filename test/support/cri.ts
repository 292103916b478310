import { randomUUID } from 'node:crypto';
import { type CriCall, connectCri } from './cri-client.ts';
import { eventually } from './eventually.ts';
import type { CniResult } from './rig.ts';
import { type RuntimeHost, startRuntimeHost } from './runtime-host.ts';

/** containerd with its CRI on a host of a test's own. */
export type Cri = AsyncDisposable & { readonly host: RuntimeHost; readonly call: CriCall };

/** A port of the host that leads to a pod. */
export type PodPort = {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly hostIp?: string;
};

/** What of a pod its network is told. */
export type PodSpec = {
  readonly name: string;
  readonly namespace?: string;
  readonly ports?: readonly PodPort[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** What it resolves names by. */
  readonly dns?: { readonly servers?: readonly string[]; readonly searches?: readonly string[] };
};

/** A pod as the runtime reports it. */
export type PodStatus = {
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
  /** The address that it is known by; empty for a pod without a network. */
  readonly ip: string;
  /** Those of the other family. */
  readonly additionalIps: readonly string[];
  /** The process that holds the pod; 0 once it is stopped. */
  readonly pid: number;
  /** What the plugins answered, as the runtime keeps it. */
  readonly cniResult: object | undefined;
};

/** What a host with containerd is made of. */
export type CriOptions = {
  /** The path of the configuration that its pods are attached by. */
  readonly conflist: string;
  /** Where the plugins are; our executables unless set. */
  readonly plugins?: string;
};

/** Starts containerd on a host of its own, and waits until it would run a pod. Every pod answers HTTP on port 8080. */
export async function startCri({ conflist, plugins }: CriOptions): Promise<Cri> {
  const prefix = 'fl-t-cri';
  await using parts = new AsyncDisposableStack();
  const host = parts.use(
    await startRuntimeHost({ prefix, withContainerd: true, ...(plugins === undefined ? {} : { plugins }) }),
  );
  host.addConflist(conflist);
  const { call } = parts.use(connectCri(`${host.dir}/containerd.sock`));
  await eventually('containerd to be ready for pods', async () => ((await isReady(call)) ? true : undefined));
  const made = parts.move();
  return { host, call, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** Whether there are a runtime, a network and the image; containerd learns of both files and images by and by. */
async function isReady(call: CriCall): Promise<boolean> {
  const { status } = (await call('RuntimeService', 'Status', {})) as StatusAnswer;
  const image = { image: { image: 'localhost/fairlead-pod:1' } };
  const found = (await call('ImageService', 'ImageStatus', image)) as { readonly image: object | null };
  return found.image !== null && status.conditions.every((condition) => condition.status);
}

type StatusAnswer = { readonly status: { readonly conditions: readonly { readonly status: boolean }[] } };

/** Runs a pod with nothing in it but its network. @returns its id */
export async function runPodSandbox({ call, host }: Cri, spec: PodSpec): Promise<string> {
  const { name, namespace = 'default', ports = [], annotations = {}, dns } = spec;
  const config = {
    metadata: { name, namespace, uid: randomUUID(), attempt: 0 },
    hostname: name,
    ...(dns === undefined ? {} : { dnsConfig: dns }),
    portMappings: ports,
    annotations,
    // By the host's name its cgroups are found again.
    linux: { cgroupParent: `/${host.name}` },
  };
  const answer = (await call('RuntimeService', 'RunPodSandbox', { config })) as PodAnswer;
  return answer.podSandboxId;
}

type PodAnswer = { readonly podSandboxId: string };

/** Ends a pod's process and its network; succeeds for one that is stopped. */
export async function stopPodSandbox({ call }: Cri, podSandboxId: string): Promise<void> {
  await call('RuntimeService', 'StopPodSandbox', { podSandboxId });
}

/** Has the runtime forget a pod. */
export async function removePodSandbox({ call }: Cri, podSandboxId: string): Promise<void> {
  await call('RuntimeService', 'RemovePodSandbox', { podSandboxId });
}

/** What the runtime knows of a pod. */
export async function podSandboxStatus({ call }: Cri, podSandboxId: string): Promise<PodStatus> {
  const request = { podSandboxId, verbose: true };
  const answer = (await call('RuntimeService', 'PodSandboxStatus', request)) as PodStatusAnswer;
  const info = JSON.parse(answer.info.info ?? '{}') as {
    readonly pid?: number;
    readonly cniResult?: CniResult;
  };
  return {
    state: answer.status.state,
    ip: answer.status.network?.ip ?? '',
    additionalIps: (answer.status.network?.additionalIps ?? []).map(({ ip }) => ip),
    pid: info.pid ?? 0,
    cniResult: info.cniResult,
  };
}

type PodStatusAnswer = {
  readonly status: {
    readonly state: PodStatus['state'];
    readonly network: {
      readonly ip: string;
      readonly additionalIps: readonly { readonly ip: string }[];
    } | null;
  };
  readonly info: Readonly<Record<string, string>>;
};
