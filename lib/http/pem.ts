import { readFile } from 'node:fs/promises';

/** PEM texts, as Node's TLS takes them. */
export type Pem = { readonly ca?: string; readonly cert?: string; readonly key?: string };

/** Paths of PEM files: an authority's certificate, and our own with its key. */
export type PemPaths = { readonly ca?: string; readonly cert?: string; readonly key?: string };

/** The files of a configuration's `tls`, read when they are needed first, and after a failure again. */
export class PemFiles {
  readonly #paths: PemPaths;
  #read: Promise<Pem> | undefined;

  constructor(tls: PemPaths | undefined) {
    this.#paths = tls ?? {};
  }

  /** Rejects with the file's failure, which names its path. */
  read(): Promise<Pem> {
    this.#read ??= readAll(this.#paths);
    return this.#read;
  }

  /** Certificates are replaced while the agent runs: what was refused may be old. */
  forget(): void {
    this.#read = undefined;
  }
}

async function readAll(paths: Pem): Promise<Pem> {
  const read = async ([name, path]: [string, string]) => [name, await readFile(path, 'utf8')];
  return Object.fromEntries(await Promise.all(Object.entries(paths).map(read)));
}
