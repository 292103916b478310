import type { Family } from '../../net/address.ts';

/** A UDP socket that is bound. */
export type UdpSocket = {
  readonly family: Family;
  readonly port: number;
  readonly inode: number;
  /** The process, as "dnsmasq (process 812)"; undefined for the kernel's own, and for one that cannot be seen. */
  readonly holder?: string | undefined;
};

/** /proc/net/udp or udp6: a heading, then a line for each socket with address and port in hexadecimal digits. */
export function parseUdpSockets(table: string, family: Family): readonly UdpSocket[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap((columns) => {
      const port = /^[0-9A-F]+:([0-9A-F]{4})$/.exec(columns[1] ?? '')?.[1];
      return port === undefined
        ? []
        : [{ family, port: Number.parseInt(port, 16), inode: Number(columns[9]) }];
    });
}

/** Output of `ss -u -a -n -p -e`: the processes by the inode of their sockets. */
export function parseHolders(text: string): ReadonlyMap<number, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const inode = /\bino:(\d+)/.exec(line)?.[1];
      const [, name, pid] = /users:\(\("(.*?)",pid=(\d+)/.exec(line) ?? [];
      return inode === undefined || pid === undefined
        ? []
        : [[Number(inode), `${name} (process ${pid})`] as const];
    }),
  );
}
