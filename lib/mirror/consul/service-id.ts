/** The name of the service that stands for the process on each host that speaks for its containers. */
export const hostServiceName = 'fairlead-agent';

/** Its id on a host; the machine's id tells it from those of others at the same Consul agent. */
export function hostServiceId(node: string): string {
  return `${hostServiceName}-${node}`;
}

/** What the ids of all entries of a machine begin with, those of no other. */
export function serviceIdPrefix(node: string): string {
  return `fairlead-${node}-`;
}
