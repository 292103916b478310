import type { Command } from 'commander';
import type { BlockStatus, HostStatus, IpamStatus } from '../../lib/blocks/status.ts';
import { escapeControls } from '../../lib/log/controls.ts';
import { type AgentOptions, askAgent, withAgentOptions } from './ask-agent.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** `ipam`, which shows the cluster's addresses, and `ipam release-host`. The agent is asked: it alone follows the other hosts. */
export function addIpam(program: Command, terminal: Terminal): void {
  const ipam = withAgentOptions(
    program
      .command('ipam')
      .description("show the cluster's pools, whose blocks they are divided into, and what is free here"),
  ).action(async (options: AgentOptions) => {
    const status = await askAgent<IpamStatus>(options, { method: 'GET', path: '/v1/ipam' });
    print(terminal, options.json === true, status, () => renderIpam(status, createPaint(terminal)));
  });
  addReleaseHost(ipam, terminal);
}

type Released = {
  readonly node: string;
  readonly blocks: readonly string[];
  readonly loans: readonly string[];
};

/** All of it is in etcd: a cluster of many blocks takes more than one call. */
const releasePatienceMs = 30_000;

function addReleaseHost(ipam: Command, terminal: Terminal): void {
  ipam
    .command('release-host <host>')
    .description('take blocks and loans from a host, by name or id, that is gone for good')
    .option(
      '--force',
      'also from one whose agent is, or was just now, alive: its containers must be stopped, or lose their ways',
    )
    .configureHelp({ showGlobalOptions: true })
    .action(async (host: string, _own: unknown, command: Command) => {
      const { force, ...options } = command.optsWithGlobals<AgentOptions & { force?: true }>();
      const path = `/v1/ipam/hosts/${encodeURIComponent(host)}${force === true ? '?force=1' : ''}`;
      const asked = { method: 'DELETE', path, patienceMs: releasePatienceMs } as const;
      const released = await askAgent<Released>(options, asked);
      print(terminal, options.json === true, released, () => renderReleased(host, released));
    });
}

function renderReleased(host: string, { blocks, loans }: Released): string {
  const things = [
    ...(blocks.length === 0 ? [] : [`the blocks ${blocks.join(', ')}`]),
    ...(loans.length === 0 ? [] : [`the borrowed addresses ${loans.join(', ')}`]),
  ];
  const what = things.length === 0 ? 'it had no block and no loan' : `free now: ${things.join(' and ')}`;
  return escapeControls(`host ${host} is released: ${what}`);
}

function renderIpam(status: IpamStatus, paint: Paint): string {
  const { pools, blocks, hosts } = status;
  return [
    ...summaryOf(status, paint),
    '',
    pools.length === 0 ? 'no pool' : renderPools(pools),
    ...(blocks.length === 0 ? [] : ['', renderBlocks(blocks, paint)]),
    ...(hosts.length === 0 ? [] : ['', renderHosts(hosts, paint)]),
  ].join('\n');
}

function summaryOf({ node, network, etcd, share, ...rest }: IpamStatus, paint: Paint): readonly string[] {
  const reached = etcd.isConnected ? paint('green', 'connected') : paint('red', 'away');
  const because = etcd.because === undefined ? '' : `: ${escapeControls(etcd.because)}`;
  const ranges = share.ranges.length === 0 ? 'nothing yet' : share.ranges.join(', ');
  return [
    `here     ${node}, network ${network}: ${ranges}`,
    `leases   ${share.leased} leased, ${paint(share.free === 0 ? 'red' : 'green', `${share.free} free`)}, ${rest.reclaimed} reclaimed`,
    `etcd     ${reached}  ${etcd.endpoint}${because}`,
    ...rest.suspects.map(
      ({ address, because: why, since }) =>
        `${paint('yellow', 'suspect')}  ${address} since ${since}: ${escapeControls(why)}`,
    ),
    ...rest.problems.map((problem) => `${paint('red', 'problem')}  ${escapeControls(problem)}`),
  ];
}

function renderPools(pools: IpamStatus['pools']): string {
  return toTable(
    ['POOL', 'ADDRESSES', 'BLOCKS', 'TAKEN', 'LEASED', 'NAT', ''],
    pools.map(({ name, cidr, blockLength, natOutgoing, isDisabled, blocks, taken, used }) => [
      escapeControls(name),
      cidr,
      `${blocks} of /${blockLength}`,
      `${taken}`,
      `${used}`,
      natOutgoing ? 'outgoing' : '-',
      isDisabled ? 'disabled' : '',
    ]),
  );
}

const stateColours = { pending: 'yellow', confirmed: 'green', releasing: 'yellow' } as const;

function renderBlocks(blocks: IpamStatus['blocks'], paint: Paint): string {
  return toTable(
    ['BLOCK', 'POOL', 'HOST', 'STATE', 'LEASED', 'LENT'],
    blocks
      .toSorted(byPlace)
      .map(({ cidr, pool, host, isHostAlive, state, size, used, loans }) => [
        cidr,
        escapeControls(pool),
        `${escapeControls(host)}${isHostAlive ? '' : paint('red', ' (gone)')}`,
        paint(stateColours[state], state),
        `${used} of ${size}`,
        loans.map(({ address, host: borrower }) => `${address} to ${escapeControls(borrower)}`).join(', ') ||
          '-',
      ]),
  );
}

function renderHosts(hosts: readonly HostStatus[], paint: Paint): string {
  return toTable(
    ['HOST', 'ID', 'REACHED AT', 'STATE', 'BLOCKS', 'LEASED'],
    hosts
      .toSorted(byName)
      .map(({ node, name, addresses, isAlive, blocks, used }) => [
        escapeControls(name),
        escapeControls(node),
        addresses.join(', ') || '-',
        isAlive ? paint('green', 'alive') : paint('red', 'gone'),
        `${blocks}`,
        `${used}`,
      ]),
  );
}

function byPlace(one: BlockStatus, other: BlockStatus): number {
  return compareTexts(one.pool, other.pool) || compareTexts(one.cidr, other.cidr);
}

function byName(one: HostStatus, other: HostStatus): number {
  return compareTexts(one.name, other.name);
}

/** host10 comes after host9, and 10.0.0.128 after 10.0.0.64. */
function compareTexts(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
