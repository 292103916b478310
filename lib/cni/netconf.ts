import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { parseIfName } from '../net/ifname.ts';
import { Fields, parseText, unexpected } from './fields.ts';
import { type AttachmentId, isContainerId } from './invocation.ts';
import type { Result, ResultDns } from './result.ts';
import { parseConfDns, parseResult } from './result-parse.ts';
import { parseSpecVersion, type SpecVersion } from './version.ts';

/** The part of a plugin's configuration that the specification defines for all plugins (section 1). */
export type NetConf = {
  readonly cniVersion: SpecVersion;
  /** The network's name: letters, digits, "_", "." and "-", so it is safe as a directory's name. */
  readonly name: string;
  readonly type: string;
  /** As the runtime has it, where that says something of it. */
  readonly dns: ResultDns;
  /** The result of the plugin before this one, read when asked for: only some verbs need it. */
  readonly prevResult: () => Result | undefined;
  /** All fields, for the plugin's own parser. */
  readonly fields: Fields;
  /** The configuration as it came, for a delegated plugin. */
  readonly json: object;
};

/**
 * @param json the configuration that the runtime sent
 * @throws CniError code 7, or code 1 for a version that is not spoken
 */
export function parseNetConf(json: unknown): NetConf {
  const fields = new Fields(json, '');
  const cniVersion = parseSpecVersion(fields.string('cniVersion'));
  return {
    cniVersion,
    name: parseNetworkName(fields.string('name')),
    type: fields.string('type') ?? '',
    // Only who asks for it needs it to be right: DEL does without.
    get dns() {
      return parseConfDns(fields);
    },
    prevResult: () => {
      const raw = fields.raw('prevResult');
      return raw === undefined ? undefined : parseResult(raw, 'prevResult', cniVersion);
    },
    fields,
    json: json as object,
  };
}

/**
 * A network's name, as it may stand in a path: the specification's form.
 * @throws CniError code 7
 */
export function parseNetworkName(name: string | undefined): string {
  if (name === undefined || name === '') {
    throw new CniError(ErrorCode.invalidConfig, 'name: is required and missing');
  }
  if (isContainerId(name) && name.length <= 200) return name;
  throw unexpected(
    'name',
    'at most 200 letters, digits, "_", "." and "-", beginning with a letter or digit',
    name,
  );
}

/**
 * The attachments that a GC is to keep (`cni.dev/valid-attachments`); undefined where the runtime names none (`cnitool gc`
 * does not), which must not be read as "none is valid". Null is Go's empty list.
 * @throws CniError code 7
 */
export function parseValidAttachments({ fields }: NetConf): readonly AttachmentId[] | undefined {
  const key = 'cni.dev/valid-attachments';
  return fields.has(key) ? (fields.array(key, parseAttachmentId) ?? []) : undefined;
}

function parseAttachmentId(item: unknown, path: string): AttachmentId {
  const fields = new Fields(item, path);
  const containerId = parseText(fields.raw('containerID'), fields.at('containerID'));
  const ifName = fields.parsed('ifname', 'the name of an interface', parseIfName);
  return { containerId, ifName: ifName ?? fields.missing('ifname') };
}
