import type { Command } from 'commander';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { MirrorConfig } from '../../lib/mirror/config.ts';
import { defaultNamespace } from '../../lib/registry/instance.ts';
import { type MirrorsOptions, readMirrors } from './mirrors-file.ts';
import { parsePath } from './registry-commands.ts';
import { renderInstances } from './services.ts';
import { createPaint, print, type Terminal } from './terminal.ts';

type QueryOptions = MirrorsOptions & { readonly namespace: string };

/** How long a registry may take to answer, in milliseconds. */
const patienceMs = 10_000;

/** `mirrors query`: what an outside registry itself answers for a service, whoever has written it there. */
export function addMirrorsQuery(mirrors: Command, terminal: Terminal): void {
  mirrors
    .command('query <mirror> <service>')
    .description("ask an outside registry for a service's healthy instances")
    .option('--namespace <name>', "the service's namespace here", defaultNamespace)
    .configureHelp({ showGlobalOptions: true })
    .action(async (mirror: string, service: string, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<QueryOptions>();
      const instances = await query(await findMirror(mirror, options), service, options);
      print(terminal, options.json === true, instances, () =>
        instances.length === 0
          ? `${mirror} has no healthy instance of ${service}`
          : renderInstances(instances, createPaint(terminal)),
      );
    });
}

async function findMirror(name: string, options: QueryOptions): Promise<MirrorConfig> {
  const path = parsePath(options.mirrors);
  const mirrors = await readMirrors(path);
  const found = mirrors.find((mirror) => mirror.name === name);
  if (found !== undefined) return found;
  const known = mirrors.map((mirror) => mirror.name).join(', ') || 'none';
  throw new CniError(
    ErrorCode.invalidConfig,
    `${path}: there is no mirror ${JSON.stringify(name)}; there is ${known}`,
  );
}

/** As nobody: to read, no machine need be one that writes there. */
async function query(mirror: MirrorConfig, service: string, { namespace }: QueryOptions) {
  await using registry = mirror.open({ node: 'nobody', session: 'none' });
  return await registry.query(registry.nameOf({ namespace, service }), AbortSignal.timeout(patienceMs));
}
