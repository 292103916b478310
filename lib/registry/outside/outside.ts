import { existsSync } from 'node:fs';
import { CniError, ErrorCode, messageOf } from '../../errors/cni-error.ts';
import { type MirrorSummary, needsAgent } from '../../mirror/summary.ts';
import type { RegistryConfig, Withdrawal } from '../config.ts';
import { isHeld } from '../presence.ts';
import type { RegistrarParts } from '../registrar.ts';
import { readMirrorsFile } from './mirrors-file.ts';

/** What outside registries are told with, where no agent does it. */
export type TellingParts = RegistrarParts & {
  /** A path of the executable that runs; called `fairlead`, it is the command line. */
  readonly executable: string;
};

/** The outside registries of this machine as one call has to do with them. */
export type Outside = {
  /** Where they are configured. */
  readonly file: string;
  /** Absolute path of the registry's file, from which is delivered. */
  readonly store: string;
  readonly timeoutMs: number;
  /** Those that this machine writes to; at least one. */
  readonly mirrors: readonly MirrorSummary[];
  /** Those of them without whose confirmation an ADD fails. */
  readonly required: readonly MirrorSummary[];
};

/**
 * What an ADD under this configuration has to do with outside registries; undefined for nothing.
 * @throws CniError code 7, where the policy is `required`, for a file that cannot be read or is wrong
 */
export function findOutside(
  config: RegistryConfig,
  parts: Pick<RegistrarParts, 'warn'>,
): Outside | undefined {
  if (config.policy === 'best-effort') return findForgiving(config, parts);
  const outside = find(config);
  return outside && { ...outside, required: outside.mirrors.filter(({ isRequired }) => isRequired) };
}

/** The same for calls that fail over no outside registry, such as a DEL: they warn. */
export function findForgiving(from: Withdrawal, { warn }: Pick<RegistrarParts, 'warn'>): Outside | undefined {
  try {
    return find(from);
  } catch (error) {
    warn(`outside registries are told nothing: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Refuses what could only fail: what is required of a registry to which an agent alone delivers, where none runs.
 * @throws CniError code 11
 */
export function requireDeliverable({ required, store, file }: Outside): void {
  const ofAgent = required.filter(needsAgent);
  if (ofAgent.length === 0 || isAgentThere(store)) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `${ofAgent.map(titleOf).join(', ')}: only "fairlead agent" can deliver to ${kindsOf(ofAgent)}, and none runs over ${store}; ` +
      `start it, or say "required": false of the mirror in ${file}`,
  );
}

/** Whether an agent delivers from this registry. */
export function isAgentThere(store: string): boolean {
  return existsSync(store) && isHeld('agent', store);
}

/** How messages name an outside registry. */
export function titleOf({ kind, name }: MirrorSummary): string {
  return `${kind} "${name}"`;
}

function find({ store, mirrors: settings }: Withdrawal): Outside | undefined {
  if (settings === undefined) return undefined;
  const mirrors = readMirrorsFile(settings.file);
  return mirrors.length === 0 ? undefined : { ...settings, store, mirrors, required: [] };
}

function kindsOf(mirrors: readonly MirrorSummary[]): string {
  return [...new Set(mirrors.map(({ kind }) => kind))].join(' and ');
}
