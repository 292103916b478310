import { type Capability, nothingWanted, type Wanted } from '../capability/capability.ts';
import { type Endpoint, linkTo } from '../capability/endpoint.ts';
import type { CniError } from '../errors/cni-error.ts';
import { wrong } from '../errors/wrong.ts';
import type { Machine } from '../exec/machine.ts';
import { type ForeignDrop, observeForeignDrops } from '../iptables/foreign-drop.ts';
import { describeForward, isAdmitting } from '../iptables/forward-script.ts';
import type { Family } from '../net/address.ts';
import type { AddElement } from '../nft/operation.ts';
import type { Step } from '../plan/operation.ts';
import { joinRules } from '../rules/rules.ts';
import { admissionRules, admittedElements } from './admission.ts';
import { type FirewallConfig, parseFirewall } from './config.ts';
import { isolationRules } from './isolation.ts';

/** Who may begin to talk with containers, and that others' firewalls let containers' traffic through. */
export const firewall: Capability = {
  name: 'firewall',
  open: (conf) => {
    const config = parseFirewall(conf);
    return config === undefined ? undefined : toWanted(config);
  },
  release: () => undefined,
  collect: () => undefined,
  foreign: 'firewall',
};

function toWanted({ policy }: FirewallConfig): Wanted {
  // All of one ADD or CHECK goes by one look.
  let seen: readonly ForeignDrop[] | undefined;
  const dropsAt = (endpoint: Endpoint, machine: Machine) => {
    seen ??= observeForeignDrops(familiesOf(endpoint), machine);
    return seen;
  };
  return {
    ...nothingWanted,
    rules: (endpoint, machine) =>
      joinRules(
        isolationRules(policy, endpoint, machine),
        admissionRules(endpoint, droppedFamilies(dropsAt(endpoint, machine))),
      ),
    steps: (endpoint, machine) =>
      dropsAt(endpoint, machine)
        .filter(({ chain }) => !isAdmitting(chain))
        .map(({ keeper }): Step => ({ place: 'host', operation: { kind: 'accept-forwarded', ...keeper } })),
    check: (endpoint, machine) => checkAdmission(endpoint, dropsAt(endpoint, machine), machine),
    tools: ['nft'],
  };
}

/** Only what an interface of the host leads on can be dropped here. */
function familiesOf(endpoint: Endpoint): readonly Family[] {
  if (linkTo(endpoint) === undefined) return [];
  const present = new Set(endpoint.ips.map(({ address }) => address.address.family));
  return ([4, 6] as const).filter((family) => present.has(family));
}

function droppedFamilies(drops: readonly ForeignDrop[]): readonly Family[] {
  return drops.map(({ keeper }) => keeper.family);
}

/** @throws CniError code 999 where somebody drops the container's traffic, and nothing of ours prevents it */
function checkAdmission(endpoint: Endpoint, drops: readonly ForeignDrop[], machine: Machine): void {
  const open = drops.find(({ chain }) => !isAdmitting(chain));
  if (open !== undefined) throw dropped(endpoint, open, 'our rule in it is missing');
  const link = linkTo(endpoint);
  const elements = link === undefined ? [] : admittedElements(endpoint, link, droppedFamilies(drops));
  const [drop] = drops;
  if (drop === undefined || elements.every((element) => isThere(element, machine))) return;
  throw dropped(endpoint, drop, 'the container is not among those that it is to let through');
}

function isThere({ table, set, key }: AddElement, { run }: Machine): boolean {
  const args = ['get', 'element', table.family, table.name, set, `{ ${key.join(' . ')} }`];
  return run({ file: 'nft', args }).status === 0;
}

function dropped(
  { attachment: { containerId, ifName } }: Endpoint,
  { keeper }: ForeignDrop,
  why: string,
): CniError {
  return wrong(`${describeForward(keeper)} drops what ${ifName} of container ${containerId} sends: ${why}`);
}
