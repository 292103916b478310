import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { execa } from 'execa';
import { toolPath } from './call.ts';
import type { Context } from './context.ts';

/** What the figures were taken on. */
export type MachineInfo = {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Of the process that measures; `ours` says which Node is in our executable. */
  readonly node: string;
  readonly ours: string;
  readonly reference: string;
  readonly iptables: string;
  readonly nft: string;
  readonly ip: string;
  readonly dnsmasq: string;
  readonly dnsperf: string;
};

/** Asks the machine, and each program for its version. */
export async function describeMachine({ ours }: Pick<Context, 'ours'>): Promise<MachineInfo> {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    ours: await firstLine(`${ours.binDir}/fairlead`, '--version'),
    reference: await firstLine('dpkg-query', '-W', 'containernetworking-plugins'),
    iptables: await firstLine('iptables', '--version'),
    nft: await firstLine('nft', '--version'),
    ip: (await firstLine('ip', '-V')).replace('ip utility, ', ''),
    dnsmasq: await firstLine('dpkg-query', '-W', 'dnsmasq-base'),
    dnsperf: await firstLine('dpkg-query', '-W', 'dnsperf'),
  };
}

/** A version is for the reader only: without one the bench goes on. */
async function firstLine(file: string, ...args: readonly string[]): Promise<string> {
  const { failed, stdout } = await execa(file, args, { reject: false, env: { PATH: toolPath } });
  return failed ? 'unknown' : (stdout.split('\n')[0] ?? '').replaceAll('\t', ' ').trim();
}
