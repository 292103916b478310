import type { ResultDns } from '../../lib/cni/result.ts';

/** The dns of a result from the text of a file like resolv.conf(5); the last `domain` wins, lists add up. */
export function parseResolvConf(text: string): ResultDns {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*[#;]/.test(line))
    .map((line) => line.trim().split(/\s+/));
  const all = (keyword: string) =>
    lines.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  const nameservers = lines
    .filter(([first]) => first === 'nameserver')
    .flatMap(([, address]) => address ?? []);
  const domain = all('domain').at(-1);
  return {
    ...(nameservers.length > 0 ? { nameservers } : {}),
    ...(domain === undefined ? {} : { domain }),
    ...(all('search').length > 0 ? { search: all('search') } : {}),
    ...(all('options').length > 0 ? { options: all('options') } : {}),
  };
}
