import { JuteError, type JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

/** What is asked of a server, and how its answer is read. */
export type Operation<T> = {
  readonly opcode: number;
  /** For messages: what is done, and to which node. */
  readonly name: string;
  readonly body: Buffer;
  /** @throws JuteError, or ZooKeeperError for a step that is refused */
  readonly read: (reader: JuteReader) => T;
  /** Whether a watch stays also where the node is missing. */
  readonly watchesMissing?: true;
};

/** Of what ZooKeeper tells of a node, what is needed here. */
export type Stat = {
  /** Of its data, counted from 0. */
  readonly version: number;
  /** The session whose end is the node's; 0 where the node is not ephemeral. */
  readonly ephemeralOwner: bigint;
};

/** Who may do what with a node; `permissions` as bits: 1 read, 2 write, 4 create, 8 delete, 16 administer. */
export type Acl = readonly { readonly permissions: number; readonly scheme: string; readonly id: string }[];

/** Everybody may do everything. */
export const openAcl: Acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

/** `container`: gone some time after its last child (since ZooKeeper 3.5). */
export type NodeMode = 'persistent' | 'ephemeral' | 'container';

export type NewNode = {
  readonly path: string;
  readonly data: Buffer;
  readonly mode: NodeMode;
  readonly acl: Acl;
};

const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getChildren: 8,
  sync: 9,
  multi: 14,
  createContainer: 19,
  closeSession: -11,
} as const;

/** The bits of a node's mode as `create` sends them. */
const modeFlags: Readonly<Record<NodeMode, number>> = { persistent: 0, ephemeral: 1, container: 4 };

export function createOf(node: NewNode): Operation<void> {
  const opcode = node.mode === 'container' ? opcodes.createContainer : opcodes.create;
  return { opcode, name: `create ${node.path}`, body: writeNode(node), read: ignore };
}

export function deleteOf(path: string, version: number): Operation<void> {
  return { opcode: opcodes.delete, name: `delete ${path}`, body: writeDelete(path, version), read: ignore };
}

/** A part of what is done in one step, or not at all. */
export type Step =
  | { readonly kind: 'create'; readonly node: NewNode }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number };

/** In one step: nobody sees the time between, and where one part is refused nothing is done. */
export function multiOf(steps: readonly Step[]): Operation<void> {
  const body = new JuteWriter();
  for (const step of steps) writeStep(body, step);
  body.int(-1).bool(true).int(-1);
  const name = `multi of ${steps.length}, the first at ${pathOfStep(steps[0])}`;
  return { opcode: opcodes.multi, name, body: body.bytes(), read: (reader) => readSteps(reader, steps) };
}

export function existsOf(path: string, isWatched: boolean): Operation<Stat> {
  const body = writeRead(path, isWatched);
  return { opcode: opcodes.exists, name: `exists ${path}`, body, read: readStat, watchesMissing: true };
}

export type NodeData = { readonly data: Buffer; readonly stat: Stat };

export function getDataOf(path: string, isWatched: boolean): Operation<NodeData> {
  const body = writeRead(path, isWatched);
  // A copy: the frame around it may hold many others.
  const read = (reader: JuteReader) => ({ data: Buffer.from(reader.buffer()), stat: readStat(reader) });
  return { opcode: opcodes.getData, name: `getData ${path}`, body, read };
}

export function setDataOf(path: string, data: Buffer, version: number): Operation<void> {
  const body = new JuteWriter().text(path).buffer(data).int(version).bytes();
  return { opcode: opcodes.setData, name: `setData ${path}`, body, read: ignore };
}

export function getChildrenOf(path: string, isWatched: boolean): Operation<readonly string[]> {
  const body = writeRead(path, isWatched);
  const read = (reader: JuteReader) => reader.list(() => reader.text());
  return { opcode: opcodes.getChildren, name: `getChildren ${path}`, body, read };
}

/** Brings the server that answers up to what the leader knows at that moment. */
export function syncOf(path: string): Operation<void> {
  return {
    opcode: opcodes.sync,
    name: `sync ${path}`,
    body: new JuteWriter().text(path).bytes(),
    read: ignore,
  };
}

/** Ends the session, and all its ephemeral nodes with it. */
export const closeSession: Operation<void> = {
  opcode: opcodes.closeSession,
  name: 'closing the session',
  body: Buffer.alloc(0),
  read: ignore,
};

function writeNode({ path, data, acl, mode }: NewNode): Buffer {
  const writer = new JuteWriter().text(path).buffer(data);
  writer.list(acl, ({ permissions, scheme, id }) => writer.int(permissions).text(scheme).text(id));
  return writer.int(modeFlags[mode]).bytes();
}

function writeDelete(path: string, version: number): Buffer {
  return new JuteWriter().text(path).int(version).bytes();
}

function writeRead(path: string, isWatched: boolean): Buffer {
  return new JuteWriter().text(path).bool(isWatched).bytes();
}

function writeStep(writer: JuteWriter, step: Step): void {
  writer.int(opcodes[step.kind]).bool(false).int(-1);
  writer.raw(step.kind === 'create' ? writeNode(step.node) : writeDelete(step.path, step.version));
}

function pathOfStep(step: Step | undefined): string {
  if (step === undefined) return '/';
  return step.kind === 'create' ? step.node.path : step.path;
}

const errorStep = -1;

/** Where one step is refused, its error stands among those of the others. */
function readSteps(reader: JuteReader, steps: readonly Step[]): void {
  for (let at = 0; at <= steps.length; at++) {
    const type = reader.int();
    const isDone = reader.bool();
    // The same error stands behind it, where there is one.
    reader.int();
    if (isDone) return;
    if (type === errorStep) refuseStep(reader.int(), steps[at]);
    else if (type === opcodes.create) reader.text();
    else if (type !== opcodes.delete) throw new JuteError(`the result of a step of type ${type}`);
  }
  throw new JuteError(`the results of more than ${steps.length} steps`);
}

/** Steps beside the one that was refused: "nothing wrong" before it, "not tried" after it. */
const besideRefused: ReadonlySet<number> = new Set([0, -2]);

function refuseStep(code: number, step: Step | undefined): void {
  if (!besideRefused.has(code))
    throw ZooKeeperError.ofCode(code, `${step?.kind ?? 'multi'} ${pathOfStep(step)}`);
}

function readStat(reader: JuteReader): Stat {
  // czxid, mzxid, ctime, mtime
  for (let at = 0; at < 4; at++) reader.long();
  const version = reader.int();
  // cversion, aversion
  reader.int();
  reader.int();
  return { version, ephemeralOwner: reader.long() };
}

function ignore(): void {}
