import type { ForeignChain, ForeignTable, NftFamily } from '../exec/nft-names.ts';
import { type IpAddress, isSameAddress } from '../net/address.ts';
import {
  type AttachmentNames,
  masqueradeChain,
  masqueradeComment,
  portmapChain,
  spoofCheckChain,
} from './names.ts';
import type { ForeignRule } from './rule.ts';

/** What the reference's plugins leave in rules. */
export type RuleKind = 'masquerade' | 'portmap' | 'firewall' | 'spoofcheck';

/** An attachment that the reference's plugins have made. */
export type ForeignAttachment = AttachmentNames & {
  /** Its addresses as far as they are known. */
  readonly addresses: readonly IpAddress[];
};

/** One place where rules of an attachment may be. */
export type Trace = ForeignTable & {
  /** Without this chain nothing is left there. */
  readonly sign: string;
  /** The chain whose rules are looked through. */
  readonly chain: string;
  /** Which of its rules are the attachment's. */
  readonly isOwn: (rule: ForeignRule) => boolean;
  /** Chains that go with the last rule that leads to the first of them. */
  readonly owned: readonly string[];
};

const iptablesFamilies = ['ip', 'ip6'] as const satisfies readonly NftFamily[];
const hostPortChains = ['hostports', 'hostip_hostports', 'masquerading'];

/** The tables that have something of a kind, if anything is there at all. */
export function tablesOf(kind: RuleKind): readonly ForeignTable[] {
  const ofIptables = (table: string) => iptablesFamilies.map((family) => ({ family, table }));
  switch (kind) {
    case 'masquerade':
      return [...ofIptables('nat'), { family: 'inet', table: 'cni_plugins_masquerade' }];
    case 'portmap':
      return [...ofIptables('nat'), ...ofIptables('cni_hostport')];
    case 'firewall':
      return ofIptables('filter');
    case 'spoofcheck':
      return [{ family: 'bridge', table: 'nat' }];
  }
}

/**
 * Every place where rules of the attachment may be, in the tables that are there. No name is computed for others.
 * @param tables those that are there of all that the kinds have
 */
export function tracesOf(
  kinds: readonly RuleKind[],
  attachment: ForeignAttachment,
  tables: readonly ForeignTable[],
): readonly Trace[] {
  const isThere = (one: ForeignTable) =>
    tables.some(({ family, table }) => family === one.family && table === one.table);
  return kinds.flatMap((kind) =>
    tablesOf(kind)
      .filter(isThere)
      .flatMap((table) => placesIn(kind, table, attachment).map((place) => ({ ...table, ...place }))),
  );
}

/** The chain of a trace that tells whether there is anything. */
export function signOf({ family, table, sign }: Trace): ForeignChain {
  return { family, table, chain: sign };
}

type Place = Omit<Trace, keyof ForeignTable>;

function placesIn(kind: RuleKind, { table }: ForeignTable, attachment: ForeignAttachment): readonly Place[] {
  switch (kind) {
    case 'masquerade':
      return [table === 'nat' ? masqueradeJump(attachment) : masqueradeRules(attachment)];
    case 'portmap':
      return table === 'nat' ? portmapJumps(attachment) : hostPortRules(attachment);
    case 'firewall':
      return [acceptRules(attachment)];
    case 'spoofcheck':
      return [spoofCheckJump(attachment)];
  }
}

/**
 * All interfaces of a container on a network share a chain. Another one's rule stays, and then the chain, where addresses
 * are known to tell them apart.
 */
function masqueradeJump(attachment: ForeignAttachment): Place {
  const own = masqueradeChain(attachment);
  const isOwn = ({ target, source }: ForeignRule) =>
    target === own && (source === undefined || mayBeOf(attachment, source));
  return { sign: own, chain: 'POSTROUTING', isOwn, owned: [own] };
}

function masqueradeRules(attachment: ForeignAttachment): Place {
  const prefix = masqueradeComment(attachment);
  return {
    sign: 'masq_checks',
    chain: 'masq_checks',
    isOwn: ({ comment }) => comment.startsWith(prefix),
    owned: [],
  };
}

function portmapJumps(attachment: ForeignAttachment): readonly Place[] {
  return (['DN', 'SN'] as const).map((kind) => {
    const own = portmapChain(kind, attachment);
    const isOwn = ({ target }: ForeignRule) => target === own;
    return { sign: own, chain: `CNI-HOSTPORT-${kind}AT`, isOwn, owned: [own] };
  });
}

/** The comment is the container's id alone: in which network it was, only the addresses tell. */
function hostPortRules(attachment: ForeignAttachment): readonly Place[] {
  const isOwn = ({ comment, dnat, destination }: ForeignRule) => {
    const container = dnat ?? destination;
    return comment === attachment.containerId && (container === undefined || mayBeOf(attachment, container));
  };
  return hostPortChains.map((chain) => ({ sign: chain, chain, isOwn, owned: [] }));
}

/** Told by nothing but the addresses: where none is known, nothing is the attachment's. */
function acceptRules({ addresses }: ForeignAttachment): Place {
  const isOwn = ({ target, source, destination }: ForeignRule) =>
    target === 'ACCEPT' &&
    (source === undefined) !== (destination === undefined) &&
    isAmong(addresses, source ?? destination);
  return { sign: 'CNI-FORWARD', chain: 'CNI-FORWARD', isOwn, owned: [] };
}

function spoofCheckJump(attachment: ForeignAttachment): Place {
  const own = spoofCheckChain(attachment);
  const isOwn = ({ target }: ForeignRule) => target === own;
  return { sign: own, chain: 'PREROUTING', isOwn, owned: [own, `${own}-mac`] };
}

function mayBeOf({ addresses }: ForeignAttachment, address: IpAddress): boolean {
  return addresses.length === 0 || isAmong(addresses, address);
}

function isAmong(addresses: readonly IpAddress[], address: IpAddress | undefined): boolean {
  return address !== undefined && addresses.some((one) => isSameAddress(one, address));
}
