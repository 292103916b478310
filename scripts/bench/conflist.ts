import type { Attaching } from './attaching.ts';
import type { Call, Outcome } from './call.ts';
import { type Attachment, type Conf, type Network, toConf, toPluginCall } from './network.ts';

/** What containers get beside an interface with masquerade: two host ports, and what `firewall` and `tuning` do. */
export type Extent = 'ports' | 'whole';

/** Whether the main plugin does all of it by itself, or each plugin of a conflist its part. */
export type Form = 'one plugin' | 'a plugin each';

/** A network's conflist. */
export type Conflist = { readonly network: Network; readonly extent: Extent; readonly form: Form };

/** The ports of a container that are mapped, by the offset of the host's. */
export const mappedPorts = [80, 443];

/** What a container's sysctl is set to, which is not what it is by default. */
export const sysctl = { 'net.core.somaxconn': '500' };

/** The first of the host's ports that lead to a container. */
export function hostPortOf({ number = 0 }: Attachment): number {
  return 20_000 + mappedPorts.length * number;
}

/** By the conflist's plugins: ADD in their order, each with the result of the one before; DEL in reverse. */
export function attachingBy(conflist: Conflist): Attaching {
  const { network, extent, form } = conflist;
  return {
    name: `${network.name}, ${extent}, ${form}`,
    host: network.host,
    toAdd: (attachment) => toChain('ADD', network, toConfs(conflist, attachment), attachment),
    toDel: (attachment, added) => {
      const confs = toConfs(conflist, attachment).map((conf) => ({ ...conf, prevResult: resultOf(added) }));
      return toChain('DEL', network, confs.toReversed(), attachment);
    },
  };
}

function resultOf({ stdout }: Outcome): object {
  return JSON.parse(stdout);
}

function toChain(
  verb: 'ADD' | 'DEL',
  network: Network,
  confs: readonly Conf[],
  attachment: Attachment,
): Call {
  const [first, ...others] = confs;
  if (first === undefined) throw new Error('a conflist without plugins');
  const call = toPluginCall(verb, { network, attachment, conf: first });
  return others.length === 0 ? call : { ...call, next: toChain(verb, network, others, attachment) };
}

/** The configurations of the conflist's plugins, with what a runtime adds to them for an attachment. */
function toConfs({ network, extent, form }: Conflist, attachment: Attachment): readonly Conf[] {
  const main = toConf(network, attachment);
  const ports = toPortMapping(attachment);
  // What was before is kept there for DEL: the machine's own place is not the bench's.
  const tuning = { sysctl, dataDir: `${network.dataDir}.tuning` };
  if (form === 'one plugin')
    return [{ ...main, ...ports, ...(extent === 'whole' ? { ingressPolicy: 'open', ...tuning } : {}) }];
  const { name, cniVersion } = main;
  const chained = (type: string, said: object = {}): Conf => ({ cniVersion, name, type, ...said });
  const beyond = extent === 'whole' ? [chained('firewall'), chained('tuning', tuning)] : [];
  return [main, chained('portmap', ports), ...beyond];
}

function toPortMapping(attachment: Attachment): object {
  const portMappings = mappedPorts.map((containerPort, offset) => ({
    hostPort: hostPortOf(attachment) + offset,
    containerPort,
    protocol: 'tcp',
  }));
  return { capabilities: { portMappings: true }, runtimeConfig: { portMappings } };
}
