import { containerBridges } from '../bridges.ts';
import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import { type ConfigFile, isThere, readConfigFile, readConfigFiles } from './config-files.ts';
import { judgeManagers, type ManagersEvidence } from './judge-managers.ts';
import type { ManagedLink } from './managed-link.ts';

/** Whether somebody else takes the links of containers and of the overlay for his own. */
export const managers: Check<ManagersEvidence> = {
  id: 'managers',
  title: 'managers of links',
  observe: (scene) => ({
    links: linksOf(scene),
    networkManager: isThere('/run/NetworkManager') ? readNetworkManager() : undefined,
    networkd: isThere('/run/systemd/netif') ? readNetworkd() : undefined,
    hasOverlay: scene.overlay() !== undefined,
  }),
  judge: judgeManagers,
};

/** Those that there are, and those that there may be at the next ADD. */
function linksOf(scene: Scene): readonly ManagedLink[] {
  const there = [...containerBridges(scene.links()), ...(scene.overlay()?.devices ?? [])];
  const usual = [
    { name: 'cni0', kind: 'bridge' },
    { name: 'veth0a1b2c3d', kind: 'veth' },
    ...(scene.overlay() === undefined ? [] : [{ name: 'flannel.1', kind: 'vxlan' }]),
  ];
  const all = [...there.map(({ name, kind }) => ({ name, kind })), ...usual];
  return [...new Map(all.map((link) => [link.name, link])).values()];
}

/** In its own order: what the administrator has written comes after what packages and this boot have. */
function readNetworkManager(): readonly ConfigFile[] {
  const pieces = readConfigFiles(
    ['/usr/lib', '/run', '/etc'].map((root) => `${root}/NetworkManager/conf.d`),
    '.conf',
  );
  const { own = [], given = [] } = Object.groupBy(pieces, ({ path }) =>
    path.startsWith('/etc/') ? 'own' : 'given',
  );
  return [...given, ...readConfigFile('/etc/NetworkManager/NetworkManager.conf'), ...own];
}

const roots = ['/usr/lib', '/usr/local/lib', '/run', '/etc'];

function readNetworkd() {
  return {
    networks: readConfigFiles(
      roots.map((root) => `${root}/systemd/network`),
      '.network',
    ),
    settings: [
      ...readConfigFile('/etc/systemd/networkd.conf'),
      ...readConfigFiles(
        roots.map((root) => `${root}/systemd/networkd.conf.d`),
        '.conf',
      ),
    ],
  };
}
