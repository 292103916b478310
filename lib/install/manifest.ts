import { Fields } from '../cni/fields.ts';
import { parseJson } from '../cni/json.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** A file of somebody else that gave way to ours, as it was. */
export type Backup =
  | {
      readonly name: string;
      readonly kind: 'file';
      readonly sha256: string;
      readonly size: number;
      readonly mode: number;
      /** Seconds since 1970. */
      readonly mtime: number;
    }
  | { readonly name: string; readonly kind: 'symlink'; readonly target: string };

const largest = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** The file that says what the backups beside it are. */
export function renderManifest(backups: readonly Backup[]): string {
  return `${JSON.stringify({ version: 1, backups }, null, 2)}\n`;
}

/**
 * Reads what renderManifest wrote.
 * @throws CniError code 6 or 7 that names the file and the field
 */
export function parseManifest(text: string, path: string): readonly Backup[] {
  const fields = new Fields(parseJson(text, path), path);
  fields.only('version', 'backups');
  if (fields.integer('version', largest) !== 1)
    throw new CniError(
      ErrorCode.invalidConfig,
      `${path}: version: expected 1; a later fairlead wrote it, use that`,
    );
  return fields.array('backups', parseBackup) ?? [];
}

function parseBackup(item: unknown, path: string): Backup {
  const fields = new Fields(item, path);
  const kind = fields.string('kind');
  if (kind === 'symlink')
    return { name: parseName(fields), kind, target: fields.string('target') ?? fields.missing('target') };
  if (kind !== 'file')
    throw new CniError(ErrorCode.invalidConfig, `${path}.kind: expected "file" or "symlink"`);
  const { name, sha256 } = { name: parseName(fields), sha256: fields.string('sha256') ?? '' };
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new CniError(ErrorCode.invalidConfig, `${path}.sha256: expected 64 hex digits`);
  const whole = (field: string) => fields.integer(field, largest) ?? fields.missing(field);
  return { name, kind, sha256, size: whole('size'), mode: whole('mode'), mtime: whole('mtime') };
}

/** It becomes a part of a path. */
function parseName(fields: Fields): string {
  const name = fields.string('name') ?? fields.missing('name');
  if (/^[a-z][a-z0-9-]{0,40}$/.test(name)) return name;
  throw new CniError(
    ErrorCode.invalidConfig,
    `${fields.path}.name: expected a plugin's name, found ${JSON.stringify(name)}`,
  );
}
