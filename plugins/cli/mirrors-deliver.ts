import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { escapeControls } from '../../lib/log/controls.ts';
import type { InlineDelivery } from '../../lib/mirror/inline.ts';
import type { Store } from '../../lib/registry/store.ts';
import { ProblemsFound } from './doctor.ts';
import { type MirrorsOptions, readMirrors } from './mirrors-file.ts';
import { parsePath, type RegistryContext } from './registry-commands.ts';
import { createPaint, type Paint, print, toTable } from './terminal.ts';

type DeliverOptions = MirrorsOptions & {
  readonly timeout: number;
  readonly revision?: number;
  readonly only?: readonly string[];
};

/** `mirrors deliver`: what a plugin starts where no agent runs. */
export function addMirrorsDeliver(mirrors: Command, context: RegistryContext): void {
  mirrors
    .command('deliver')
    .description('tell the outside registries what they have not been told, where no agent does it')
    .option('--timeout <ms>', 'for all of it, in milliseconds', parseNumber, 30_000)
    .option('--revision <number>', 'up to which they are to be told (default: the latest)', parseNumber)
    .option('--only <name...>', 'only these mirrors')
    .configureHelp({ showGlobalOptions: true })
    .action(async (_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<DeliverOptions>();
      const deliveries = await deliver(options, openExisting(options.store, context));
      print(context, options.json === true, deliveries, () => render(deliveries, createPaint(context)));
      if (deliveries.some(({ state }) => state !== 'delivered')) throw new ProblemsFound();
    });
}

async function deliver(options: DeliverOptions, store: Store): Promise<readonly InlineDelivery[]> {
  const { timeout: timeoutMs, revision = store.revision(), only } = options;
  const { deliverInline } = await import('../../lib/mirror/inline.ts');
  const all = await readMirrors(parsePath(options.mirrors));
  const mirrors = all.filter(({ name, isWritten }) => isWritten && (only?.includes(name) ?? true));
  return deliverInline({ mirrors, store, revision, timeoutMs, spentMs: performance.now() });
}

/** To deliver must not make a registry: an empty one would take everything away that stands outside. */
function openExisting(path: string, { openStore }: RegistryContext): Store {
  if (existsSync(parsePath(path))) return openStore(path);
  throw new CniError(ErrorCode.internal, `there is no registry ${path}: nothing has been registered yet`);
}

function render(deliveries: readonly InlineDelivery[], paint: Paint): string {
  if (deliveries.length === 0) return 'no mirrors';
  return toTable(
    ['NAME', 'TYPE', 'STATE', ''],
    deliveries.map(({ name, kind, state, because }) => [
      name,
      kind,
      paint(state === 'delivered' ? 'green' : 'red', state),
      escapeControls(because ?? ''),
    ]),
  );
}

function parseNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number');
}
