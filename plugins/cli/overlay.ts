import type { Command } from 'commander';
import { escapeControls } from '../../lib/log/controls.ts';
import type { OverlayStatus } from '../../lib/overlay/status.ts';
import { type AgentOptions, askAgent, withAgentOptions } from './ask-agent.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** `overlay status`: what the agent knows of the overlay, for it alone follows the other hosts. */
export function addOverlay(program: Command, terminal: Terminal): void {
  const overlay = program.command('overlay').description('the network over many hosts');
  withAgentOptions(
    overlay
      .command('status')
      .description("show this host's lease, the other hosts, and what had to be repaired"),
  ).action(async (options: AgentOptions) => {
    const status = await askAgent<OverlayStatus>(options, { method: 'GET', path: '/v1/overlay' });
    print(terminal, options.json === true, status, () => renderOverlay(status, createPaint(terminal)));
  });
}

function renderOverlay(status: OverlayStatus, paint: Paint): string {
  const { devices, peers, refused, problems } = status;
  return [
    ...summaryOf(status, paint),
    ...devices.map(
      ({ name, network, subnet, vni, port, mtu, mac, publicAddress, interface: outer }) =>
        `device   ${name}: ${subnet} of ${network}, VNI ${vni}, UDP port ${port}, MTU ${mtu}, ${mac}, by ${publicAddress} on ${outer}`,
    ),
    ...problems.map((problem) => `${paint('red', 'problem')}  ${escapeControls(problem)}`),
    ...refused.map(
      ({ lease, because }) =>
        `${paint('yellow', 'ignored')}  lease ${escapeControls(`${lease}: ${because}`)}`,
    ),
    '',
    peers.length === 0 ? 'no other host' : renderPeers(peers),
  ].join('\n');
}

function renderPeers(peers: OverlayStatus['peers']): string {
  return toTable(
    ['SUBNET', 'HOST', 'VTEP', 'WAY'],
    peers.map(({ subnet, publicAddress, vtepMac, isDirect }) => [
      subnet,
      publicAddress,
      vtepMac,
      isDirect ? 'direct' : 'vxlan',
    ]),
  );
}

const colours = { held: 'green', waiting: 'yellow', lost: 'red' } as const;

function summaryOf({ mode, lease, etcd, drift, lastChange }: OverlayStatus, paint: Paint): readonly string[] {
  const { state, because, subnets, secondsLeft, takenBy } = lease;
  const facts = [
    subnets.join(' and '),
    secondsLeft === undefined ? '' : `renewed, ends in ${secondsLeft} s otherwise`,
    takenBy === undefined ? '' : `taken by ${takenBy}`,
    escapeControls(because ?? ''),
  ].filter((fact) => fact !== '');
  const reached = etcd.isConnected ? paint('green', 'connected') : paint('red', 'away');
  const repairs =
    drift.repairs === 0 ? 'none' : `${drift.repairs}, last ${drift.lastAt}: ${drift.last.join('; ')}`;
  return [
    `lease    ${paint(colours[state], state)}  ${facts.join(', ')}${mode === 'l2' ? ' (layer 2)' : ''}`,
    `etcd     ${reached}  ${etcd.endpoint}${etcd.because === undefined ? '' : `: ${etcd.because}`}`,
    `repairs  ${repairs}`,
    ...(lastChange === undefined ? [] : [`changed  ${lastChange.at}: ${lastChange.what}`]),
  ];
}
