import type { Outcome } from '../../exec/command.ts';
import type { Machine } from '../../exec/machine.ts';
import { type Family, formatAddress, type IpAddress } from '../../net/address.ts';
import type { Probe } from './judge-path-mtu.ts';

/** What IP and ICMP put around what a ping carries, in bytes. */
const headers = { 4: 20 + 8, 6: 40 + 8 } as const satisfies Record<Family, number>;

/** Small enough for every path. */
const smallSize = 100;

/**
 * Sends a packet of so many bytes that no router may divide; where it is lost, a small one tells whether the host
 * answers at all.
 */
export function probePath(peer: IpAddress, size: number, machine: Pick<Machine, 'run'>): Probe {
  const full = parsePing(ping(peer, size, machine));
  if (full.kind !== 'silent') return full;
  return parsePing(ping(peer, smallSize, machine)).kind === 'fits' ? { kind: 'swallowed' } : full;
}

/** One packet, no names looked up, ended after a second. */
function ping(peer: IpAddress, size: number, { run }: Pick<Machine, 'run'>): Outcome {
  const payload = String(size - headers[peer.family]);
  const once = ['-n', '-c', '1', '-W', '1', '-w', '1'];
  return run({
    file: 'ping',
    args: [...once, '-M', 'do', '-s', payload, formatAddress(peer)],
    timeoutMs: 5_000,
  });
}

/** What iputils' ping says; other programs of the name have no -M, and end with what is neither 0 nor 1. */
export function parsePing({ status, stdout, stderr }: Outcome): Probe {
  const said = `${stdout}\n${stderr}`;
  if (status === 0) return { kind: 'fits' };
  const tooLong =
    /message too long(?:, mtu[=:] ?(\d+))?|(?:frag needed|packet too big).*?mtu ?= ?(\d+)/i.exec(said);
  if (tooLong !== null) return { kind: 'too-big', mtu: Number(tooLong[1] ?? tooLong[2]) || undefined };
  if (status === 1) return { kind: 'silent' };
  const [reason = ''] = stderr.split('\n').filter((line) => line.trim() !== '');
  return { kind: 'untried', because: reason.trim() || `ping ended with ${status}` };
}
