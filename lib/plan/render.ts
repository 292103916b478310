import { renderBridge, renderIp } from '../iproute/render.ts';
import { admittingChain, describeForward } from '../iptables/forward-script.ts';
import { formatAddress } from '../net/address.ts';
import { renderNft } from '../nft/render.ts';
import { renderTc } from '../tc/render.ts';
import { type Batch, groupSteps, toBatch, undoOf } from './batch.ts';
import type { Flow } from './flow.ts';
import type { FileOperation, Plan, SettleOperation, SysctlOperation } from './operation.ts';

/** The exact lines that a batch hands to its tool; for writes below /proc and for waits, lines that say the same. */
export function renderBatch(batch: Batch): readonly string[] {
  switch (batch.tool) {
    case 'ip':
      return batch.operations.map(renderIp);
    case 'bridge':
      return batch.operations.map(renderBridge);
    case 'nft':
      return renderNft(batch.operations);
    case 'sysctl':
      return batch.operations.map(renderSysctl);
    case 'settle':
      return batch.operations.map(renderSettle);
    case 'tc':
      return batch.operations.map(renderTc);
    case 'iptables-forward':
      return batch.operations.map(
        (operation) =>
          `${describeForward(operation)}: lead to ${admittingChain} before everything is dropped`,
      );
    case 'file':
      return batch.operations.map(renderFile);
    case 'conntrack':
      return batch.operations.flatMap(({ flows }) => flows.map(renderFlow));
    case 'unused-bridge':
      return batch.operations.map(({ name }) => `link del dev ${name}`);
  }
}

/** A plan as text for people and for goldens: each batch under a heading, then what would undo it. */
export function renderPlan(plan: Plan): string {
  return [
    ...groupSteps(plan).flatMap((group) => renderSection('', toBatch(group))),
    ...undoOf(plan).flatMap((batch) => renderSection('undo: ', batch)),
  ].join('\n');
}

const headings = {
  ip: 'ip -batch -',
  bridge: 'bridge -batch -',
  nft: 'nft -f -',
  tc: 'tc -batch -',
  file: 'keep files',
  'iptables-forward': 'iptables-restore --noflush',
  conntrack: 'have conntrack forget what was sent to',
  sysctl: 'write /proc/sys/net',
  settle: 'wait',
  'unused-bridge': 'ip -batch -, if the bridge has no port',
} as const;

function renderSection(prefix: string, batch: Batch): string[] {
  return [
    `# ${prefix}${batch.place}: ${headings[batch.tool]}`,
    ...renderBatch(batch).map((line) => `  ${line}`),
  ];
}

function renderSysctl({ path, value }: SysctlOperation): string {
  return `${path} = ${value}`;
}

function renderFlow({ protocol, family, port, address }: Flow): string {
  const host = address === undefined ? `any IPv${family} address` : formatAddress(address);
  return `${protocol} port ${port} of ${host}`;
}

function renderFile(operation: FileOperation): string {
  return operation.kind === 'write-file'
    ? `${operation.path}: ${operation.text}`
    : `without ${operation.path}`;
}

function renderSettle({ link, timeoutMs }: SettleOperation): string {
  return `until no IPv6 address of ${link} is tentative, at most ${timeoutMs} ms`;
}
