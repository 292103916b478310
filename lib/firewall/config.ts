import { unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** From where a container may be reached: from everywhere, from its own bridge and outside, or only from outside. */
export type IngressPolicy = 'open' | 'same-bridge' | 'isolated';

/** What a configuration asks of the firewall. */
export type FirewallConfig = { readonly policy: IngressPolicy };

const policies: readonly IngressPolicy[] = ['open', 'same-bridge', 'isolated'];

/**
 * What is asked for: always something of the plugin of this name, of another one only where it has `ingressPolicy`.
 * `backend`, `iptablesAdminChainName` and `firewalldZone` are accepted; nftables serves all of it.
 * @throws CniError code 7
 */
export function parseFirewall(conf: NetConf): FirewallConfig | undefined {
  const { fields, type } = conf;
  const text = fields.string('ingressPolicy');
  if (text === undefined && type !== 'firewall') return undefined;
  for (const name of ['backend', 'iptablesAdminChainName', 'firewalldZone']) fields.string(name);
  const policy = policies.find((each) => each === (text || 'open'));
  if (policy === undefined) throw unexpected('ingressPolicy', `one of ${policies.join(', ')}`, text);
  refuseVlan(policy, conf);
  return { policy };
}

/** In a VLAN the host's own address is behind a port of the bridge, which a policy between ports would cut off. */
function refuseVlan(policy: IngressPolicy, { fields, type }: NetConf): void {
  const hasVlan = type !== 'firewall' && (fields.raw('vlan') ?? 0) !== 0;
  if (policy !== 'isolated' || !hasVlan) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    'ingressPolicy: isolated would cut the containers of a VLAN off from their gateway; set portIsolation to true and ingressPolicy to same-bridge',
  );
}
