import type { SeenEndpoint } from './seen-endpoint.ts';

/** One setting of the kernel that several links are to have. */
export type LinkSetting = {
  readonly version: 'ipv4' | 'ipv6';
  readonly setting: string;
  readonly value: number;
};

/** More settings make a command line that nobody reads; then every link of the group is given it, which harms none. */
const mostNamed = 4;

/** The links in words, and the command that gives all of them a setting. */
export function forEach(
  links: readonly Pick<SeenEndpoint, 'name' | 'group'>[],
  { version, setting, value }: LinkSetting,
): { readonly names: string; readonly command: string } {
  const shown = links.slice(0, mostNamed).map(({ name }) => name);
  if (links.length <= mostNamed) {
    const settings = shown.map(
      (name) => `net.${version}.conf.${name.replaceAll('.', '/')}.${setting}=${value}`,
    );
    return { names: shown.join(', '), command: `sysctl -w ${settings.join(' ')}` };
  }
  const listed = [...new Set(links.map(({ group = 'default' }) => `ip -o link show group ${group}`))];
  const list = `{ ${listed.join('; ')}; } | awk -F '[ :@]+' '{print $2}'`;
  return {
    names: `${shown.join(', ')} and ${links.length - mostNamed} more`,
    command: `for link in $(${list}); do echo ${value} > /proc/sys/net/${version}/conf/$link/${setting}; done`,
  };
}
