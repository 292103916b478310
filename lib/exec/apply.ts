import { rmSync } from 'node:fs';
import { CniError } from '../errors/cni-error.ts';
import { type CleanupStep, runAll, withLaterFailures } from '../errors/collect.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import { onFiles } from '../errors/system-error.ts';
import { replaceFile } from '../files/replace-file.ts';
import { acceptForwarded } from '../iptables/accept-forwarded.ts';
import type { IfName } from '../net/ifname.ts';
import { type Batch, groupSteps, type ProcessBatch, toBatch, undoOf } from '../plan/batch.ts';
import { describeOperation } from '../plan/describe.ts';
import type { FileOperation, Plan, Step, SysctlOperation } from '../plan/operation.ts';
import type { Run } from './command.ts';
import type { Machine } from './machine.ts';
import { listPorts } from './observe.ts';
import { awaitAddresses } from './settle.ts';
import { runBatch, runBatchAsync } from './tool.ts';

/** A machine, and the container's namespace that a plan's container steps belong to. */
export type Site = {
  readonly machine: Machine;
  readonly netns: string;
  /** Called where the plan fails and some of it could not be undone. */
  readonly onLeftover?: () => void;
};

/**
 * Step 6 of an ADD: carries a plan out, neighbouring operations in one process.
 * When one fails, all that was done before is undone in reverse, and the first cause is thrown with every
 * failure of the undoing in its details.
 * @returns what undoes the whole plan, for when a later step of the ADD fails
 * @throws CniError
 */
export function applyPlan(plan: Plan, site: Site): () => readonly CniError[] {
  const done: Step[] = [];
  for (const group of groupSteps(plan)) {
    try {
      runAt(toBatch(group), site);
      done.push(...group);
    } catch (error) {
      done.push(...group.slice(0, countDone(error, group.length)));
      const failures = undoSteps(done, site);
      if (failures.length > 0) site.onLeftover?.();
      throw withLaterFailures(error, failures);
    }
  }
  return () => undoSteps(done, site);
}

/** What a plan for the host alone needs of it, by one who has other work to do meanwhile. */
export type OwnHost = { readonly run: Run } & Proc;

/**
 * Carries out what brings the host to a wished state: neighbouring operations in one process, going on over failures
 * and undoing nothing, since the next comparison with the kernel finds what is still missing.
 * @returns what failed, in order
 * @throws Error for a step of a container, or one that waits or looks
 */
export async function applyOnHost(plan: Plan, host: OwnHost): Promise<readonly CniError[]> {
  const failures: CniError[] = [];
  for (const group of groupSteps(plan)) failures.push(...(await runOnHost(toBatch(group), host)));
  return failures;
}

async function runOnHost(batch: Batch, host: OwnHost): Promise<readonly CniError[]> {
  if (batch.place === 'container' || isOfAttachments(batch))
    throw new Error(`${batch.tool}, ${batch.place}: a plan for the host alone has no such step`);
  if (batch.tool !== 'sysctl') return runBatchAsync(batch, host.run);
  return runAll(
    batch.operations.map((operation) => ({
      doing: describeOperation(operation),
      run: () => setSysctl(operation, host),
    })),
  );
}

/** What only an attachment's plan has, where somebody waits for it. */
function isOfAttachments(batch: Batch): batch is Extract<Batch, { tool: AttachmentTool }> {
  return attachmentTools.some((tool) => tool === batch.tool);
}

const attachmentTools = ['settle', 'unused-bridge', 'conntrack', 'iptables-forward', 'file'] as const;

type AttachmentTool = (typeof attachmentTools)[number];

/** Takes the steps back, in reverse, going on over failures. */
function undoSteps(steps: readonly Step[], site: Site): readonly CniError[] {
  return runAll(
    undoOf(steps).map((batch): CleanupStep => ({ doing: 'undoing', run: () => runAt(batch, site, true) })),
  );
}

/** How many operations of a batch stand although it failed: those before the line to blame; all where none is named. */
function countDone(error: unknown, size: number): number {
  const cause = error instanceof CniError ? error.cause : error;
  if (!(cause instanceof CommandFailure)) return 0;
  const { line, argv } = cause.facts;
  if (line !== undefined) return line;
  return argv[0] === 'nft' ? 0 : size;
}

function runAt(batch: Batch, { machine, netns }: Site, goOn = false): void {
  const run = () => runHere(batch, machine, goOn);
  if (batch.place === 'host') run();
  else machine.inNetns(netns, run);
}

function runHere(batch: Batch, machine: Machine, goOn: boolean): void {
  switch (batch.tool) {
    case 'ip':
    case 'bridge':
    case 'tc':
    case 'nft':
      runBatch(batch, machine, goOn);
      return;
    default:
      for (const operation of batch.operations) runWithoutBatch(operation, machine);
  }
}

type UnbatchedOperation = Exclude<Batch, ProcessBatch>['operations'][number];

function runWithoutBatch(operation: UnbatchedOperation, machine: Machine): void {
  switch (operation.kind) {
    case 'set-sysctl':
      setSysctl(operation, machine);
      return;
    case 'await-addresses':
      awaitAddresses(operation, machine);
      return;
    case 'accept-forwarded':
      acceptForwarded(operation, machine);
      return;
    case 'write-file':
    case 'remove-file':
      keepFile(operation);
      return;
    case 'forget-flows':
      machine.forgetFlows(operation.flows);
      return;
    case 'delete-unused-bridge':
      deleteUnusedBridge(operation.name, machine);
      return;
  }
}

/** Settings below /proc. */
type Proc = Pick<Machine, 'readProc' | 'writeProc'>;

function setSysctl({ path, value, ifPresent }: SysctlOperation, machine: Proc): void {
  const file = `/proc/sys/net/${path}`;
  if (ifPresent === true && machine.readProc(file) === undefined) return;
  machine.writeProc(file, value);
}

function keepFile(operation: FileOperation): void {
  const { path } = operation;
  if (operation.kind === 'write-file') replaceFile({ path, text: operation.text, mode: 0o600 });
  else onFiles(`removing ${path}`, () => rmSync(path, { force: true }));
}

function deleteUnusedBridge(name: IfName, machine: Machine): void {
  if (listPorts(machine, name).length > 0) return;
  runBatch({ place: 'host', tool: 'ip', operations: [{ kind: 'delete-link', name }] }, machine);
}
