import { type Endpoint, linkTo } from '../capability/endpoint.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type Family, formatAddress, type IpAddress } from '../net/address.ts';
import { type AddElement, ownedRule, type WriteChain } from '../nft/operation.ts';
import { ownChainPrefix, ownerComment } from '../rules/owner.ts';
import { noRules, type OwnRule, type Rules } from '../rules/rules.ts';
import { portmapTable } from '../rules/tables.ts';
import { renderCondition } from './conditions.ts';
import type { Portmap } from './config.ts';
import { describeHostPort, type HostPort } from './host-port.ts';
import { localnetSet, namesOf, nearSet } from './names.ts';
import { leadingRules, sharedRules } from './shared.ts';

/** Host ports that lead to a container which has an address of their family; the others lead nowhere. */
type Led = HostPort & { readonly target: IpAddress };

/**
 * @throws CniError code 7 for a container without an address
 */
export function hostPortsAt({ hostPorts }: Portmap, endpoint: Endpoint): readonly Led[] {
  const addresses = endpoint.ips.map(({ address }) => address.address);
  if (addresses.length === 0) throw withoutAddress(endpoint);
  return hostPorts.flatMap((port) => {
    const target = addresses.find(({ family }) => family === port.family);
    return target === undefined ? [] : [{ ...port, target }];
  });
}

function withoutAddress({ attachment: { containerId, ifName } }: Endpoint): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `portMappings: ${ifName} of container ${containerId} has no address that a host port could lead to; set ipam, or ask for no port mappings`,
  );
}

/**
 * What the host ports of an attachment need.
 * @throws CniError code 7 for a container without an address
 */
export function portmapRules(wish: Portmap, endpoint: Endpoint): Rules {
  const led = hostPortsAt(wish, endpoint);
  if (led.length === 0) return noRules;
  const comment = ownerComment(endpoint.network, endpoint.attachment);
  const targets = [...new Map(led.map(({ target }) => [target.family, target])).values()];
  const { own, shared } = sourceRulesOf(wish, endpoint, targets);
  const leading = targets.flatMap(({ family }) => {
    const chain = conditionChain(wish, family, comment);
    const ports = led.filter((port) => port.family === family);
    return [...(chain === undefined ? [] : [chain]), ...ports.flatMap((port) => portElements(port, chain))];
  });
  return {
    shared: [...sharedRules, ...shared],
    own: [...leading, ...own].map((rule) => ({ ...rule, comment })),
  };
}

/** Undefined where nothing but the port decides. */
function conditionChain({ conditions }: Portmap, family: Family, comment: string): WriteChain | undefined {
  const texts = conditions[family].map(renderCondition);
  if (texts.length === 0) return undefined;
  return {
    kind: 'write-chain',
    table: portmapTable,
    chain: `${ownChainPrefix(comment)}portmap${family}`,
    comment,
    rules: leadingRules(family).map((text) => ownedRule(comment, [...texts, text].join(' '))),
  };
}

/** The element that leads, and where there are conditions the one that leads to them first. */
function portElements(port: Led, chain: WriteChain | undefined): readonly OwnRule[] {
  const { led, ledAt, conditional, conditionalAt } = namesOf(port.family);
  const { address, target, containerPort } = port;
  const key = [...(address === undefined ? [] : [formatAddress(address)]), port.protocol, `${port.port}`];
  const isAt = address !== undefined;
  const leading: OwnRule = {
    kind: 'create-element',
    what: describeHostPort(port),
    table: portmapTable,
    set: isAt ? ledAt : led,
    key,
    value: [formatAddress(target), `${containerPort}`],
  };
  if (chain === undefined) return [leading];
  return [
    leading,
    { ...element(isAt ? conditionalAt : conditional, ...key), value: [`goto ${chain.chain}`] },
  ];
}

/**
 * What changes sources: of a bridge what all its containers have in common, of a link of the container's own what goes
 * with it.
 */
function sourceRulesOf(
  { sourceChange }: Portmap,
  endpoint: Endpoint,
  targets: readonly IpAddress[],
): { own: readonly AddElement[]; shared: readonly AddElement[] } {
  const name = linkTo(endpoint);
  const ofTargets = (set: 'changed' | 'self' | 'unchanged', times = 1) =>
    targets.map((target) =>
      element(namesOf(target.family)[set], ...Array<string>(times).fill(formatAddress(target))),
    );
  if (sourceChange === 'none') return { own: ofTargets('unchanged'), shared: [] };
  const own = sourceChange === 'all' ? ofTargets('changed') : ofTargets('self', 2);
  if (name === undefined) return { own, shared: [] };
  const near = element(nearSet, `"${name}"`, `"${name}"`);
  if (endpoint.bridge === undefined) return { own: [...own, near], shared: [] };
  return { own, shared: [near, element(localnetSet, `"${name}"`)] };
}

function element(set: string, ...key: readonly string[]): AddElement {
  return { kind: 'add-element', table: portmapTable, set, key };
}
