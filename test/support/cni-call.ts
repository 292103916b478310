import { binDir } from './binaries.ts';

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

/** A plugin's result in any version of the specification; what tests look at. */
export type CniResult = {
  readonly cniVersion: string;
  readonly interfaces?: readonly { name: string; mac?: string; mtu?: number; sandbox?: string }[];
  readonly ips?: readonly { version?: string; interface?: number; address: string; gateway?: string }[];
  readonly routes?: readonly { dst: string; gw?: string }[];
  readonly dns?: object;
  readonly ip4?: { readonly ip: string; readonly gateway?: string; readonly routes?: readonly object[] };
  readonly ip6?: { readonly ip: string; readonly gateway?: string; readonly routes?: readonly object[] };
};

export type CniFailure = {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
};

/** How one call of a plugin ended; `result` after success with output, `error` after a failure. */
export type Answer = {
  readonly status: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly result?: CniResult;
  readonly error?: CniFailure;
};

/** What of a call differs from the usual one. */
export type CallOptions = {
  /** CNI_ARGS. */
  readonly args?: string;
  readonly ifName?: string;
  /** Set over the usual environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of another executable than ours for the configuration's type. */
  readonly binary?: string;
  /** Sent to the plugin instead of the configuration's JSON. */
  readonly stdin?: string;
  /** The namespace whose links the plugin sees below /sys; the host's unless set. */
  readonly sysfsOf?: string;
  /** After this the plugin is killed. */
  readonly timeoutMs?: number;
  /** Whether this call may be executed by its client, also where an agent serves calls. */
  readonly mayFallBack?: boolean;
};

/** A network configuration; each test adds its fields. */
export type Conf = {
  readonly cniVersion?: string;
  readonly name?: unknown;
  readonly type?: unknown;
  readonly [field: string]: unknown;
};

/** The environment of a call; GC, STATUS and VERSION take no heed of the attachment. */
export function toEnvironment(
  verb: Verb,
  container: string,
  { args, ifName, env }: CallOptions,
): Record<string, string | undefined> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: verb,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${container}`,
    CNI_IFNAME: ifName ?? 'eth0',
    CNI_PATH: binDir,
    ...(args === undefined ? {} : { CNI_ARGS: args }),
    ...env,
  };
}

/** What a call has answered, taken apart. */
export function toAnswer(outcome: { status: Answer['status']; stdout: string; stderr: string }): Answer {
  const { status, stdout } = outcome;
  const json = parseOrUndefined(stdout);
  if (json === undefined) return outcome;
  return status === 0 ? { ...outcome, result: json as CniResult } : { ...outcome, error: json as CniFailure };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
