import { type Capability, nothingWanted, type Wanted } from '../capability/capability.ts';
import type { Endpoint } from '../capability/endpoint.ts';
import type { Flow } from '../plan/flow.ts';
import { type Portmap, parsePortmap } from './config.ts';
import { checkLocalnet, planLocalnet } from './localnet.ts';
import { hostPortsAt, portmapRules } from './rules.ts';

/** Ports of the host that lead to ports of a container. */
export const portmap: Capability = {
  name: 'portmap',
  open: (conf) => {
    const wish = parsePortmap(conf);
    return wish === undefined ? undefined : toWanted(wish);
  },
  release: () => undefined,
  collect: () => undefined,
  foreign: 'portmap',
};

function toWanted(wish: Portmap): Wanted {
  return {
    ...nothingWanted,
    rules: (endpoint) => portmapRules(wish, endpoint),
    steps: (endpoint, machine) => planLocalnet(wish, endpoint, machine),
    flows: (endpoint) => flowsOf(wish, endpoint),
    check: (endpoint, machine) => checkLocalnet(wish, endpoint, machine),
    tools: ['nft'],
  };
}

/** A TCP connection ends when its container does; a sender of the others goes on, and with it where it was led. */
function flowsOf(wish: Portmap, endpoint: Endpoint): readonly Flow[] {
  return hostPortsAt(wish, endpoint)
    .filter(({ protocol }) => protocol !== 'tcp')
    .map(({ protocol, family, port, address }) => ({
      protocol,
      family,
      port,
      ...(address === undefined ? {} : { address }),
    }));
}
