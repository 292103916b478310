import { CniError, ErrorCode, messageOf, toCniError } from '../errors/cni-error.ts';
import {
  type Attachment,
  type Environment,
  parseAttachment,
  parsePluginPath,
  parseVerb,
} from './invocation.ts';
import { parseJson } from './json.ts';
import { type NetConf, parseNetConf } from './netconf.ts';
import { type Result, renderResult } from './result.ts';
import { isAtLeast, specVersions } from './version.ts';

/** A call about a network: what GC and STATUS are given. */
export type NetworkCall = {
  readonly conf: NetConf;
  /** The directories of CNI_PATH. */
  readonly pluginPath: readonly string[];
  /** The caller's environment, which a delegated plugin gets as it is. */
  readonly env: Environment;
};

/** A call about one attachment: what ADD, DEL and CHECK are given. */
export type AttachmentCall = NetworkCall & { readonly attachment: Attachment };

/** A CNI plugin: what it does for each verb. Protocol, versions and errors are dispatch's. */
export type Plugin = {
  readonly name: string;
  readonly add: (call: AttachmentCall) => Result;
  readonly del: (call: AttachmentCall) => void;
  readonly check: (call: AttachmentCall) => void;
  readonly gc: (call: NetworkCall) => void;
  readonly status: (call: NetworkCall) => void;
};

/** The outside of one call. */
export type Streams = {
  readonly env: Environment;
  readonly readStdin: () => string;
  readonly writeStdout: (text: string) => void;
};

/**
 * Step 1 of a call: environment and stdin to a verb of the plugin; its answer, or its error, to stdout.
 * This is the one place where an error becomes the JSON of specification section 5, "Error".
 * @returns the exit status: 0, or 1 after an error
 */
export function dispatch(plugin: Plugin, streams: Streams): number {
  let json: unknown;
  try {
    const verb = parseVerb(streams.env);
    const text = readAll(streams);
    // VERSION asks its stdin only for the version to echo; some runtimes send it nothing.
    json = verb === 'VERSION' && text.trim() === '' ? {} : parseJson(text, 'the configuration on stdin');
    const answer = verb === 'VERSION' ? supportedVersions(json) : perform(plugin, verb, json, streams.env);
    if (answer !== undefined) streams.writeStdout(toJson(answer));
    return 0;
  } catch (error) {
    streams.writeStdout(toJson(renderError(error, callerVersion(json))));
    return 1;
  }
}

/**
 * Answers a runtime that calls us by a name that is no plugin's: it must read why in the form that it expects.
 * @returns the exit status
 */
export function refuseName(
  name: string,
  plugins: readonly Plugin[],
  writeStdout: Streams['writeStdout'],
): number {
  const names = plugins.map((plugin) => plugin.name).join(', ');
  const error = new CniError(
    ErrorCode.invalidConfig,
    `type: this executable was called as ${JSON.stringify(name)}, which is none of the plugins it holds (${names})`,
  );
  writeStdout(JSON.stringify(renderError(error, '1.1.0')));
  return 1;
}

/** A CniError as the specification's error object. */
export function renderError(error: unknown, cniVersion: string): object {
  const { code, message, details } = toCniError(error);
  return { cniVersion, code, msg: message, ...(details === undefined ? {} : { details }) };
}

function perform(
  plugin: Plugin,
  verb: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS',
  json: unknown,
  env: Environment,
): object | undefined {
  const conf = parseNetConf(json);
  requireVersion(conf, verb);
  const network = { conf, pluginPath: parsePluginPath(env), env };
  switch (verb) {
    case 'GC':
      plugin.gc(network);
      return undefined;
    case 'STATUS':
      plugin.status(network);
      return undefined;
    case 'ADD':
      return renderResult(plugin.add({ ...network, attachment: parseAttachment(env) }), conf.cniVersion);
    case 'DEL':
      plugin.del({ ...network, attachment: parseAttachment(env) });
      return undefined;
    case 'CHECK':
      plugin.check({ ...network, attachment: parseAttachment(env) });
      return undefined;
  }
}

const verbSince = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' } as const;

function requireVersion({ cniVersion }: NetConf, verb: string): void {
  const since = verb in verbSince ? verbSince[verb as keyof typeof verbSince] : undefined;
  if (since === undefined || isAtLeast(cniVersion, since)) return;
  throw new CniError(
    ErrorCode.incompatibleVersion,
    `cniVersion: ${verb} needs ${since} or later, the configuration says ${cniVersion}`,
  );
}

function readAll({ readStdin }: Streams): string {
  try {
    return readStdin();
  } catch (error) {
    throw new CniError(ErrorCode.ioFailure, `reading the configuration from stdin: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function supportedVersions(json: unknown): object {
  return { cniVersion: callerVersion(json), supportedVersions: specVersions };
}

/** The version that the caller wrote, spoken or not: an answer must echo it. */
function callerVersion(json: unknown): string {
  const stated =
    typeof json === 'object' && json !== null && 'cniVersion' in json ? json.cniVersion : undefined;
  return typeof stated === 'string' && stated !== '' ? stated : '1.1.0';
}

function toJson(answer: object): string {
  return JSON.stringify(answer, null, 4);
}
