/** The path below /proc/sys/net of a setting of one interface. */
export function sysctlPath(family: 'ipv4' | 'ipv6', ifName: string, setting: string): string {
  return `${family}/conf/${ifName}/${setting}`;
}
