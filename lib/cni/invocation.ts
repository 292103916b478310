import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type IfName, ifNameProblem } from '../net/ifname.ts';

export const verbs = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;

export type Verb = (typeof verbs)[number];

/** One container's interface, as the runtime names it; an attachment is keyed by both. */
export type AttachmentId = { readonly containerId: string; readonly ifName: IfName };

/** What ADD, DEL and CHECK are about. */
export type Attachment = AttachmentId & {
  /** Path of the container's network namespace; empty where DEL comes after it has gone. */
  readonly netns: string;
  /** CNI_ARGS, in the order given. */
  readonly args: ReadonlyMap<string, string>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const required: Readonly<Record<Verb, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
  VERSION: [],
};

/**
 * The verb of a call, with every variable present that it needs (specification section 2, "Parameters").
 * @throws CniError code 4 that names every missing variable at once
 */
export function parseVerb(env: Environment): Verb {
  const verb = verbs.find((known) => known === env.CNI_COMMAND);
  if (verb === undefined) {
    throw badEnvironment(`CNI_COMMAND: expected one of ${verbs.join(', ')}, found ${quote(env.CNI_COMMAND)}`);
  }
  const missing = required[verb].filter((name) => (env[name] ?? '') === '');
  if (missing.length === 0) return verb;
  throw badEnvironment(`${verb} needs ${missing.join(', ')}, which the runtime has not set`);
}

/**
 * The attachment that ADD, DEL or CHECK is about.
 * @throws CniError code 4 that names the variable
 */
export function parseAttachment(env: Environment): Attachment {
  return {
    containerId: parseContainerId(env.CNI_CONTAINERID ?? ''),
    ifName: parseIfNameVariable(env.CNI_IFNAME ?? ''),
    netns: parseNetns(env.CNI_NETNS ?? ''),
    args: parseArgs(env.CNI_ARGS ?? ''),
  };
}

/** The directories of CNI_PATH, in order. */
export function parsePluginPath(env: Environment): readonly string[] {
  return (env.CNI_PATH ?? '').split(':').filter((dir) => dir !== '');
}

/** The caller's PATH without the plugins' directories: iproute2's `bridge` is wanted, not the plugin of that name. */
export function toolPathOf(env: Environment): string {
  const bare = (dir: string) => dir.replace(/\/+$/, '');
  const pluginDirs = parsePluginPath(env).map(bare);
  return (env.PATH ?? '')
    .split(':')
    .filter((dir) => !pluginDirs.includes(bare(dir)))
    .join(':');
}

/** Whether a text has the form that the specification gives container ids. */
export function isContainerId(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text);
}

function parseContainerId(text: string): string {
  if (isContainerId(text)) return text;
  throw badEnvironment(
    `CNI_CONTAINERID: expected letters, digits, "_", "." and "-", beginning with a letter or digit, found ${quote(text)}`,
  );
}

function parseIfNameVariable(text: string): IfName {
  const problem = ifNameProblem(text);
  if (problem === undefined) return text as IfName;
  throw badEnvironment(`CNI_IFNAME: ${quote(text)} cannot name an interface: it ${problem}`);
}

/** The path goes into an `ip -batch` line, which has no way to quote: what would be read as more than one word is refused. */
function parseNetns(text: string): string {
  if (/^[\x21-\x7e]*$/.test(text) && !/["'#\\]/.test(text)) return text;
  throw badEnvironment(
    `CNI_NETNS: expected a path without white space, quotes, "#" or "\\", found ${quote(text)}`,
  );
}

const knownArgs = /^(IgnoreUnknown|IP|GATEWAY|MAC|K8S_POD_[A-Z_]+|SERVICE_\w+)$/i;

/** `K=V;K=V`. Unknown keys are refused, as the reference does, unless IgnoreUnknown is set. */
function parseArgs(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(';').filter((pair) => pair !== '');
  const args = new Map(pairs.map(parsePair));
  if (/^(1|true)$/i.test(args.get('IgnoreUnknown') ?? '')) return args;
  const unknown = [...args.keys()].filter((key) => !knownArgs.test(key));
  if (unknown.length === 0) return args;
  throw badEnvironment(`CNI_ARGS: unknown ${unknown.join(', ')}; set IgnoreUnknown=1 to have them ignored`);
}

function parsePair(pair: string): [string, string] {
  const equals = pair.indexOf('=');
  if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
  throw badEnvironment(`CNI_ARGS: expected KEY=VALUE pairs separated by ";", found ${quote(pair)}`);
}

function badEnvironment(message: string): CniError {
  return new CniError(ErrorCode.invalidEnvironment, message);
}

function quote(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text);
}
