import type { Command } from 'commander';
import { Connection } from '../../lib/client/connection.ts';
import { escapeControls } from '../../lib/log/controls.ts';
import type { OverlayStatus } from '../../lib/overlay/status.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** Where the agent's API is unless somebody says so. */
const defaultApi = 'unix:/run/fairlead/api.sock';

const patienceMs = 5_000;

type Options = { readonly api: string; readonly token?: string; readonly json?: true };

/** `overlay status`: what the agent knows of the overlay, for it alone follows the other hosts. */
export function addOverlay(program: Command, terminal: Terminal): void {
  program
    .command('overlay')
    .description('the network over many hosts')
    .command('status')
    .description("show this host's lease, the other hosts, and what had to be repaired")
    .option('--api <where>', "the agent's API: unix:/path, or a URL", defaultApi)
    .option('--token <text>', 'for an API over TCP')
    .option('--json', 'print JSON')
    .action(async ({ api, token, json }: Options) => {
      const status = await askStatus(api, token);
      print(terminal, json === true, status, () => renderOverlay(status, createPaint(terminal)));
    });
}

/** @throws AgentFailure where no agent answers, or it has no overlay */
async function askStatus(api: string, token: string | undefined): Promise<OverlayStatus> {
  using connection = new Connection({ api, ...(token === undefined ? {} : { token }) });
  const signal = AbortSignal.timeout(patienceMs);
  return (await connection.ask({ method: 'GET', path: '/v1/overlay', signal })) as OverlayStatus;
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
