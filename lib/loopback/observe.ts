import { inquire, outputOf } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import { parseLinks } from '../iproute/parse.ts';
import { type Cidr, parseCidr } from '../net/cidr.ts';

/** The interface's name: the kernel gives every namespace one, whatever CNI_IFNAME says. */
export const loopbackName = 'lo';

/** What procfs, which costs no process, shows of this thread's namespace. */
type Proc = Pick<Machine, 'readProc'>;

/**
 * The addresses of the loopback interface, where procfs surely tells them: it is up with what the kernel gives it, and
 * no other interface has an address yet. Undefined otherwise.
 */
export function observeUsual(machine: Proc): readonly Cidr[] | undefined {
  const v6 = v6Lines(machine);
  const isUsual = listRoutes(machine, 'host LOCAL').join() === '127.0.0.0/8,127.0.0.1/32';
  if (!isUsual || !isSurelyUp(machine) || !v6.every(isLoopback6)) return undefined;
  return ['127.0.0.1/8', ...(v6.length > 0 ? ['::1/128'] : [])]
    .map(parseCidr)
    .filter((cidr) => cidr !== undefined);
}

/** Whether the interface is up. @throws CniError where `ip` cannot tell */
export function isUp(machine: Pick<Machine, 'readProc' | 'run'>): boolean {
  if (isSurelyUp(machine)) return true;
  const text = inquire(outputOf('ip', ['-j', 'link', 'show', 'dev', loopbackName]), machine.run);
  return parseLinks(text).some((link) => link.isUp);
}

/** Whether procfs tells that the interface is down: one that is up has an address of one family at least. */
export function isSurelyDown(machine: Proc): boolean {
  return !isSurelyUp(machine) && !v6Lines(machine).some((line) => line.endsWith(` ${loopbackName}`));
}

/**
 * Whether procfs tells that the interface is up. Of an interface that went down again the kernel keeps the routes to its
 * own addresses; the one to its broadcast address goes.
 */
function isSurelyUp(machine: Proc): boolean {
  return listRoutes(machine, 'link BROADCAST').includes('127.255.255.255/32');
}

/** The prefixes with a route of a kind, each once, sorted. */
function listRoutes(machine: Proc, kind: 'host LOCAL' | 'link BROADCAST'): readonly string[] {
  const trie = machine.readProc('/proc/net/fib_trie') ?? '';
  const found = trie.matchAll(/\|-- (\S+)\s+(\/\d+) (\w+ \w+)/g).filter(([, , , each]) => each === kind);
  return [...new Set(found.map(([, address, length]) => `${address}${length}`))].sort();
}

/** `<address> <index> <length> <scope> <flags> <name>`, in hex, a line for each IPv6 address. */
function v6Lines(machine: Proc): readonly string[] {
  const table = machine.readProc('/proc/net/if_inet6') ?? '';
  return table.split('\n').filter((line) => line !== '');
}

function isLoopback6(line: string): boolean {
  return line.startsWith(`${'1'.padStart(32, '0')} `) && line.endsWith(` ${loopbackName}`);
}
