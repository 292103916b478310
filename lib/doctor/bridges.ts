import type { Link } from '../iproute/parse.ts';

/** The bridges that carry containers of CNI networks: ours by their alias, others' by the usual name. */
export function containerBridges(links: readonly Link[]): readonly Link[] {
  return links.filter(
    ({ kind, alias, name }) => kind === 'bridge' && (alias.startsWith('fairlead/') || /^cni\d+$/.test(name)),
  );
}
