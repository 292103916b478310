import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { errnoOf, ifExists } from '../errors/system-error.ts';
import { StoreFailure, toStoreFailure } from './store-failure.ts';

/**
 * The id of this machine in the registries: drawn once, kept in a file beside the store, so that it outlives a boot and
 * a store that had to be set aside.
 * @param dir the store's directory
 * @throws StoreFailure where the file can neither be read nor made
 */
export function readNodeId(dir: string): string {
  const path = `${dir}/node-id`;
  try {
    return parseNodeId(path) ?? drawNodeId(dir, path);
  } catch (error) {
    throw toStoreFailure(path, error);
  }
}

function parseNodeId(path: string): string | undefined {
  const text = ifExists(() => readFileSync(path, 'utf8').trim());
  if (text === undefined || /^[0-9a-f]{16}$/.test(text)) return text;
  throw new StoreFailure(
    'unreadable',
    `${path}: expected the machine's id, 16 hex digits; restore the file, or remove it to have a new id drawn`,
  );
}

/** Whoever links first wins, and everybody reads what won. */
function drawNodeId(dir: string, path: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const uuid = readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim();
  const scratch = `${path}.new.${uuid}`;
  try {
    // Flushed: after a power failure it must be there, or not be there.
    writeFileSync(scratch, `${uuid.replaceAll('-', '').slice(0, 16)}\n`, { flush: true });
    linkSync(scratch, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(scratch, { force: true });
  }
  return parseNodeId(path) ?? drawNodeId(dir, path);
}
