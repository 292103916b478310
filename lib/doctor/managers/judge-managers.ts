import { ok, orOk, problem, type Verdict, warning } from '../check.ts';
import type { ConfigFile } from './config-files.ts';
import type { ManagedLink } from './managed-link.ts';
import { removesRoutes, treatmentOf } from './networkd.ts';
import { isLeftToOthers } from './networkmanager.ts';

export type ManagersEvidence = {
  readonly links: readonly ManagedLink[];
  /** The files of NetworkManager in the order in which it reads them; undefined where it does not run. */
  readonly networkManager: readonly ConfigFile[] | undefined;
  /** The same of systemd-networkd: those of links, and its own. */
  readonly networkd:
    | { readonly networks: readonly ConfigFile[]; readonly settings: readonly ConfigFile[] }
    | undefined;
  readonly hasOverlay: boolean;
};

const snippets = {
  networkManager:
    'install scripts/unmanaged/networkmanager.conf as /etc/NetworkManager/conf.d/99-fairlead.conf; systemctl reload NetworkManager',
  links:
    'install scripts/unmanaged/networkd.network as /etc/systemd/network/10-fairlead.network; networkctl reload',
  routes:
    'install scripts/unmanaged/networkd.conf as /etc/systemd/networkd.conf.d/10-fairlead.conf; systemctl restart systemd-networkd',
} as const;

export function judgeManagers({
  links,
  networkManager,
  networkd,
  hasOverlay,
}: ManagersEvidence): readonly Verdict[] {
  if (networkManager === undefined && networkd === undefined)
    return [ok('neither NetworkManager nor systemd-networkd runs here')];
  return orOk(
    [
      ...(networkManager === undefined ? [] : judgeNetworkManager(networkManager, links)),
      ...(networkd === undefined ? [] : judgeNetworkd(networkd, links)),
      ...(networkd !== undefined && hasOverlay && removesRoutes(networkd.settings)
        ? [
            warning(
              'systemd-networkd removes routes of others when it starts, those to other hosts, too',
              snippets.routes,
            ),
          ]
        : []),
    ],
    `${links.map(({ name }) => name).join(', ')} are left alone by those that manage links here`,
  );
}

function judgeNetworkManager(
  files: readonly ConfigFile[],
  links: readonly ManagedLink[],
): readonly Verdict[] {
  const managed = links.filter((link) => !isLeftToOthers(files, link));
  if (managed.length === 0) return [];
  return [
    warning(
      `NetworkManager runs and is not told to leave ${namesOf(managed)} alone`,
      withNames(snippets.networkManager, managed),
    ),
  ];
}

function judgeNetworkd(
  { networks }: NonNullable<ManagersEvidence['networkd']>,
  links: readonly ManagedLink[],
): readonly Verdict[] {
  const treated = links.map((link) => ({ link, treatment: treatmentOf(networks, link) }));
  const unknown = treated.filter(({ treatment }) => treatment.kind === 'unknown').map(({ link }) => link);
  const managed = treated.flatMap(({ link, treatment }) =>
    treatment.kind === 'managed'
      ? [
          problem(
            `systemd-networkd manages ${link.name} by ${treatment.path}`,
            withNames(snippets.links, [link]),
          ),
        ]
      : [],
  );
  if (unknown.length === 0) return managed;
  const found = `systemd-networkd runs and is not told to leave ${namesOf(unknown)} alone`;
  return [...managed, warning(found, withNames(snippets.links, unknown))];
}

function namesOf(links: readonly ManagedLink[]): string {
  return links.map(({ name }) => name).join(', ');
}

/** The names in the files are those that links usually have. */
function withNames(snippet: string, links: readonly ManagedLink[]): string {
  const others = links.filter(({ name }) => !/^(veth|cni|flannel\.|flannel-v6\.|vxlan6?\.)/.test(name));
  return others.length === 0 ? snippet : `${snippet}, with ${namesOf(others)} added`;
}
