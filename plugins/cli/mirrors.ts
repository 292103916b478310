import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AgentFailure } from '../../lib/client/errors.ts';
import { escapeControls } from '../../lib/log/controls.ts';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import { defaultMirrorsPath, type MirrorSummary } from '../../lib/mirror/summary.ts';
import { findTold } from '../../lib/mirror/told.ts';
import { readMirrorsFile } from '../../lib/registry/outside/mirrors-file.ts';
import { defaultStorePath } from '../../lib/registry/schema.ts';
import type { Store } from '../../lib/registry/store.ts';
import { askAgent, withAgentOptions } from './ask-agent.ts';
import { addMirrorsDeliver } from './mirrors-deliver.ts';
import type { MirrorsOptions } from './mirrors-file.ts';
import { addMirrorsQuery } from './mirrors-query.ts';
import { parsePath, type RegistryContext } from './registry-commands.ts';
import { createPaint, type Paint, print, toTable } from './terminal.ts';

/** `mirrors`, which shows how the outside registries stand, `mirrors deliver` and `mirrors query`. */
export function addMirrors(program: Command, context: RegistryContext): void {
  const mirrors = withAgentOptions(
    program
      .command('mirrors')
      .description('list the outside registries, what they have been told, and what they do not take'),
  )
    .option('--store <file>', 'the registry', defaultStorePath)
    .option('--mirrors <file>', 'where the mirrors are configured', defaultMirrorsPath)
    .action(async (options: MirrorsOptions) => {
      const shown = await collectMirrors(options, context);
      print(context, options.json === true, shown, () => renderMirrors(shown, createPaint(context)));
    });
  addMirrorsDeliver(mirrors, context);
  addMirrorsQuery(mirrors, context);
}

/** A mirror as its agent knows it, or, where none runs, as file and registry say. */
type Shown =
  | MirrorStatus
  | (Pick<MirrorStatus, 'name' | 'kind' | 'lag' | 'refusedCount' | 'lastError'> & {
      readonly state: 'no agent';
    });

async function collectMirrors(options: MirrorsOptions, context: RegistryContext): Promise<readonly Shown[]> {
  try {
    return await askAgent<readonly MirrorStatus[]>(options, { method: 'GET', path: '/v1/mirrors' });
  } catch (error) {
    const isAway = error instanceof AgentFailure && error.status === undefined;
    if (!isAway) throw error;
    const path = parsePath(options.store);
    const store = existsSync(path) ? context.openStore(path) : undefined;
    return readMirrorsFile(parsePath(options.mirrors)).map((mirror) => withoutAgent(mirror, store));
  }
}

/** How far a mirror is behind can be told only of what stands without an agent. */
function withoutAgent(mirror: MirrorSummary, store: Store | undefined): Shown {
  const told = store && findTold(store, mirror);
  const isLasting = store !== undefined && told?.session === 'none';
  return {
    name: mirror.name,
    kind: mirror.kind,
    state: 'no agent',
    ...(isLasting ? { lag: Math.max(0, store.revision() - told.revision) } : {}),
    refusedCount: told?.refusals.size ?? 0,
    lastError: told?.session === 'held' ? ofEndedAgent : '',
  };
}

const ofEndedAgent = 'its entries are those of an agent that has ended: they live no longer than their ttl';

const colours = {
  beginning: 'yellow',
  delivered: 'green',
  delivering: 'yellow',
  failing: 'red',
  reading: 'green',
  'no agent': 'yellow',
} as const;

function renderMirrors(mirrors: readonly Shown[], paint: Paint): string {
  if (mirrors.length === 0) return 'no mirrors';
  return toTable(
    ['NAME', 'TYPE', 'STATE', 'LAG', 'ENTRIES', 'REFUSED', 'IMPORTED', 'LAST-DELIVERY', 'ERROR'],
    mirrors.map((mirror) => [
      escapeControls(mirror.name),
      mirror.kind,
      paint(colours[mirror.state], mirror.state),
      mirror.lag === undefined ? '-' : String(mirror.lag),
      'entries' in mirror ? String(mirror.entries) : '-',
      String(mirror.refusedCount),
      ...(mirror.state === 'no agent' ? ['-', '-', mirror.lastError] : told(mirror)),
    ]),
  );
}

function told({ imports, deliveredAtMs, lastError, refused }: MirrorStatus): readonly string[] {
  const errors = [lastError, imports?.lastError ?? '', refused[0]?.because ?? ''];
  return [
    imports === undefined ? '-' : `${imports.services} services, ${imports.instances} instances`,
    deliveredAtMs === undefined ? '-' : new Date(deliveredAtMs).toISOString(),
    escapeControls(errors.find((error) => error !== '') ?? ''),
  ];
}
