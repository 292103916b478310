import { type Fields, unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type Condition, parseConditions } from './conditions.ts';
import { type HostPort, parseHostPorts } from './host-port.ts';

/** Which of the host ports' traffic reaches the container with an address of the host as its source. */
export type SourceChange =
  /** None: what could not be answered otherwise is not. */
  | 'none'
  /** What could not be answered otherwise: from the container's own link, and from the host's loopback address. */
  | 'needed'
  | 'all';

/** What host ports a configuration asks for. */
export type Portmap = {
  readonly hostPorts: readonly HostPort[];
  readonly sourceChange: SourceChange;
  /** What must hold of a packet of that family. */
  readonly conditions: { readonly 4: readonly Condition[]; readonly 6: readonly Condition[] };
};

/**
 * Undefined where no host port is asked for; what is wrong in the other fields is refused all the same, before a container
 * comes that publishes one.
 * @throws CniError code 7
 */
export function parsePortmap(conf: NetConf): Portmap | undefined {
  const hostPorts = parseHostPorts(conf);
  const { fields } = conf;
  const settings = {
    sourceChange: parseSourceChange(fields),
    conditions: { 4: parseConditions(fields, 4), 6: parseConditions(fields, 6) },
  };
  if (hostPorts.length === 0) return undefined;
  refuseWhatIptablesWould(fields);
  return { hostPorts, ...settings };
}

function parseSourceChange(fields: Fields): SourceChange {
  const isAll = fields.boolean('masqAll') ?? false;
  if (fields.boolean('snat') === false) return 'none';
  return isAll ? 'all' : 'needed';
}

/** Fields that steer how the reference uses iptables: they mean nothing here, and are checked as it checks them. */
function refuseWhatIptablesWould(fields: Fields): void {
  const backend = fields.string('backend') ?? '';
  if (!['', 'iptables', 'nftables'].includes(backend))
    throw unexpected(fields.at('backend'), 'nftables or iptables (both are served by nftables)', backend);
  const markBit = fields.integer('markMasqBit', { min: 0, max: 31 });
  const markChain = fields.string('externalSetMarkChain');
  if (markBit === undefined || markChain === undefined) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `${fields.at('markMasqBit')}: cannot be set beside externalSetMarkChain; remove one of them (neither is needed: no mark is used)`,
  );
}
