import { type Fields, unexpected } from '../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../http/config.ts';
import { secretField, secretObject } from '../http/secret.ts';
import { parseStorePath } from '../registry/config.ts';

/** How an etcd cluster is reached; plugins/agent/README.md lists the fields. */
export type EtcdConfig = HttpConfig & {
  /** A user of etcd, and the file that holds its password (or the password itself). */
  readonly user:
    | { readonly name: string; readonly password?: string; readonly passwordFile?: string }
    | undefined;
};

/** The fields that `parseEtcdFields` reads. */
export const etcdFields = ['endpoints', 'tls', 'user', 'timeout'] as const;

/** @throws CniError code 7 naming the field */
export function parseEtcdConfig(fields: Fields): EtcdConfig {
  fields.only(...etcdFields);
  return parseEtcdFields(fields);
}

/**
 * The same, of an object that has other fields, too.
 * @throws CniError code 7 naming the field
 */
export function parseEtcdFields(fields: Fields): EtcdConfig {
  const user = secretObject(fields, 'user');
  return { ...parseHttpConfig(fields), user: user === undefined ? undefined : parseUser(user) };
}

function parseUser(fields: Fields): NonNullable<EtcdConfig['user']> {
  fields.only('name', 'password', 'passwordFile');
  const name =
    secretField(fields, 'name', { expected: 'a name', parse: asWritten }) ?? fields.missing('name');
  const password = secretField(fields, 'password', { expected: 'a string', parse: asWritten });
  const passwordFile = secretField(fields, 'passwordFile', {
    expected: 'an absolute path',
    parse: parseStorePath,
  });
  if (password !== undefined && passwordFile === undefined) return { name, password };
  if (password === undefined && passwordFile !== undefined) return { name, passwordFile };
  throw unexpected(fields.path, 'either password or passwordFile', 'both or none');
}

function asWritten(text: string): string {
  return text;
}
