import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { errnoOf, ifExists, onFiles } from '../errors/system-error.ts';

/**
 * The id of this machine in the registries: drawn once, kept in a file beside the store, so that it outlives a boot and
 * a store that had to be set aside.
 * @param dir the store's directory
 * @throws CniError where the file can neither be read nor made
 */
export function readNodeId(dir: string): string {
  const path = `${dir}/node-id`;
  return onFiles(`reading the machine's id from ${path}`, () => parseNodeId(path) ?? drawNodeId(dir, path));
}

function parseNodeId(path: string): string | undefined {
  const text = ifExists(() => readFileSync(path, 'utf8').trim());
  if (text === undefined || /^[0-9a-f]{16}$/.test(text)) return text;
  throw new CniError(
    ErrorCode.internal,
    `${path}: expected 16 hex digits; restore the file, or remove it to have a new id drawn`,
  );
}

/** Whoever links first wins, and everybody reads what won. */
function drawNodeId(dir: string, path: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const uuid = readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim();
  const scratch = `${path}.new.${uuid}`;
  try {
    writeFileSync(scratch, `${uuid.replaceAll('-', '').slice(0, 16)}\n`);
    linkSync(scratch, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(scratch, { force: true });
  }
  return parseNodeId(path) ?? drawNodeId(dir, path);
}
