import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { failuresOf } from '../errors/collect.ts';
import { errnoOf, ifExists, onFiles } from '../errors/system-error.ts';
import { hash64 } from '../net/hash.ts';
import { parseRecord, type RulesOwner, type RulesRecord, renderRecord } from './record.ts';
import type { SharedPart } from './rules.ts';

/** What is known of the rules of an attachment: written as recorded, none written, or nothing known. */
export type Recorded =
  | { readonly kind: 'recorded'; readonly record: RulesRecord }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

/**
 * The rules that attachments have, a file for each attachment and plugin, below /run: the rules themselves do not outlive
 * a boot either. A directory for each network namespace that has been a host, since that is what rules belong to.
 */
export type Records = {
  readonly get: (owner: RulesOwner) => Recorded;
  /** Has what has no record known as without rules, where that can be written: otherwise its DEL looks for some. */
  readonly prepare: () => void;
  /** @throws CniError code 5 */
  readonly put: (record: Omit<RulesRecord, 'epoch' | 'atMs'>) => void;
  /** Names the time since somebody was last seen to have flushed the ruleset: what was written before is gone. */
  readonly epoch: () => string;
  /** @throws CniError code 5 */
  readonly remove: (owner: RulesOwner) => void;
  /**
   * Whether an ADD has written this part of the shared rules. A hint: they may have been taken away since, and whoever
   * relies on it must be told by nft.
   */
  readonly isSharedWritten: (part: SharedPart) => boolean;
  readonly noteSharedWritten: (part: SharedPart) => void;
  /** Has all shared rules taken for not written: somebody is removing some of them. */
  readonly forgetShared: () => void;
  /** Has all that was written until now taken for gone: somebody has flushed the ruleset. @throws CniError code 5 */
  readonly beginEpoch: () => void;
  /** Whether there is a record of the attachment, be it damaged, by whatever plugin. */
  readonly hasAny: (owner: Omit<RulesOwner, 'plugin'>) => boolean;
  /** All that can be read; what is damaged is left out. */
  readonly list: () => readonly RulesRecord[];
};

/** Where the machine has them. */
export const recordsDirectory = '/run/fairlead/rules';

/** @param hostInode of the host's network namespace */
export function openRecords(directory: string, hostInode: () => number): Records {
  let cached: string | undefined;
  const dir = () => {
    cached ??= `${directory}/${hostInode()}`;
    return cached;
  };
  const sharedPathOf = (name: string) => `${dir()}/shared.${name}`;
  const epoch = () => readText(`${dir()}/epoch`) ?? '';
  const forgetShared = () => {
    for (const name of listNames(dir()).filter((each) => each.startsWith('shared.')))
      rmSync(`${dir()}/${name}`, { force: true });
  };
  const pathOf = (owner: RulesOwner) => `${dir()}/${fileName(owner)}`;
  return {
    get: (owner) => readRecord(pathOf(owner), dir()),
    prepare: () => {
      if (ifExists(() => statSync(dir())) === undefined) failuresOf(() => makeDirectory(dir()));
    },
    put: (record) => {
      const whole = { ...record, epoch: epoch(), atMs: monotonicMs() };
      writeFile(pathOf(record.owner), dir(), renderRecord(whole));
    },
    epoch,
    beginEpoch: () => {
      forgetShared();
      writeFile(`${dir()}/epoch`, dir(), String(process.hrtime.bigint()));
    },
    remove: (owner) =>
      onFiles(`removing ${pathOf(owner)}`, () => rmSync(pathOf(owner), { recursive: true, force: true })),
    isSharedWritten: ({ name, fingerprint }) => readText(sharedPathOf(name)) === fingerprint,
    noteSharedWritten: ({ name, fingerprint }) => {
      // Who has no note asks for more than need be; a full disk must not have an ADD fail that has succeeded.
      failuresOf(() => writeFile(sharedPathOf(name), dir(), fingerprint));
    },
    forgetShared,
    hasAny: (owner) => listNames(dir()).some((name) => name.startsWith(`${hashOf(owner)}.`)),
    list: () =>
      listNames(dir())
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => {
          const found = readRecord(`${dir()}/${name}`, dir());
          return found.kind === 'recorded' ? [found.record] : [];
        }),
  };
}

/** The same clock for all processes, in whole milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A container id may be longer than a file's name. */
function fileName(owner: RulesOwner): string {
  return `${hashOf(owner)}.${owner.plugin}.json`;
}

function hashOf({ network, containerId, ifName }: Omit<RulesOwner, 'plugin'>): string {
  return hash64(`${network}/${containerId}/${ifName}`);
}

/** Where the directory is, what has no file has no rules. A file that was being written when its ADD was killed tells nothing. */
function readRecord(path: string, dir: string): Recorded {
  try {
    return { kind: 'recorded', record: parseRecord(readRegular(path), path) };
  } catch (error) {
    const isAbsent = errnoOf(error) === 'ENOENT' && ifExists(() => statSync(dir)) !== undefined;
    return { kind: isAbsent ? 'none' : 'unknown' };
  }
}

/** Whatever else is at the path must not keep us waiting. */
function readRegular(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function writeFile(path: string, dir: string, text: string): void {
  onFiles(`writing ${path}`, () => {
    try {
      writeFileSync(path, text, { mode: 0o600 });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      makeDirectory(dir);
      writeFileSync(path, text, { mode: 0o600 });
    }
  });
}

function makeDirectory(dir: string): void {
  onFiles(`making ${dir}`, () => mkdirSync(dir, { recursive: true, mode: 0o700 }));
}

/** A note that cannot be read, for whatever reason, is none. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function listNames(dir: string): readonly string[] {
  return ifExists(() => readdirSync(dir)) ?? [];
}
