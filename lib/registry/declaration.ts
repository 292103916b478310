import type { HealthCheck } from './health-check.ts';
import type { Transport } from './instance.ts';

/** A port that a container listens on. */
export type DeclaredPort = { readonly name: string; readonly port: number; readonly transport: Transport };

/** What is said of a service, or of one port of it; what is absent was not said. */
export type ServiceDeclaration = {
  readonly service?: string;
  readonly id?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly weight?: number;
  readonly check?: HealthCheck;
  readonly ignore?: boolean;
};

/** What one source, or all of them together, say of an attachment. */
export type Declaration = ServiceDeclaration & {
  readonly namespace?: string;
  /** Service names that the container has beside its own. */
  readonly aliases?: readonly string[];
  readonly ports?: readonly DeclaredPort[];
  /** What is said of one port only, by its number; it wins over what is said of all. */
  readonly perPort?: Readonly<Record<string, ServiceDeclaration>>;
};

/** Declarations of several sources as one: for each field the first source that has it; `meta` by its keys. */
export function mergeDeclarations(sources: readonly Declaration[]): Declaration {
  const merged: Declaration = mergeServices(sources);
  const ports = [...new Set(sources.flatMap(({ perPort }) => Object.keys(perPort ?? {})))];
  if (ports.length === 0) return merged;
  const perPort = ports.map((port) => [
    port,
    mergeServices(sources.flatMap((source) => source.perPort?.[port] ?? [])),
  ]);
  return { ...merged, perPort: Object.fromEntries(perPort) };
}

function mergeServices<T extends ServiceDeclaration>(sources: readonly T[]): T {
  const lastToFirst = sources.toReversed();
  const merged = Object.assign({}, ...lastToFirst) as T;
  const metas = lastToFirst.map(({ meta }) => meta).filter((meta) => meta !== undefined);
  return metas.length === 0 ? merged : { ...merged, meta: Object.assign({}, ...metas) };
}
