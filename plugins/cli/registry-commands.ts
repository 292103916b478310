import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { parseStorePath } from '../../lib/registry/config.ts';
import { type Change, defaultNamespace, defaultZone } from '../../lib/registry/instance.ts';
import { toLabel } from '../../lib/registry/label.ts';
import { defaultStorePath } from '../../lib/registry/schema.ts';
import { identifyFile, isDamage, setAside } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import { type ChangeListener, RegistryView } from '../../lib/registry/view.ts';
import { type ResolvableType, resolvableTypes, resolve } from './resolve.ts';
import { colours, findService, renderInstances, renderServices, summarise } from './services.ts';
import { createPaint, print, type Terminal, toTable } from './terminal.ts';

/** What the registry's commands are given. */
export type RegistryContext = Terminal & {
  readonly openStore: (path: string) => Store;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly nowUs: () => number;
  /** Called once, when the operator ends a command that runs on. */
  readonly onInterrupt: (stop: () => void) => void;
};

type Options = { readonly store: string; readonly namespace?: string; readonly json?: true };

/** `services`, `service`, `resolve`, `watch` and `registry repair`: they read the registry itself, so no agent need be running. */
export function addRegistryCommands(program: Command, context: RegistryContext): void {
  addServices(program, context);
  addService(program, context);
  addResolve(program, context);
  addWatch(program, context);
  addRepair(program, context);
}

function withStoreOptions(command: Command): Command {
  return command.option('--store <file>', 'the registry', defaultStorePath).option('--json', 'print JSON');
}

function addServices(program: Command, context: RegistryContext): void {
  withStoreOptions(
    program
      .command('services')
      .description('list the services, and how many of their instances are healthy')
      .option('--namespace <name>', 'only this namespace'),
  ).action(({ store, namespace, json }: Options) => {
    const services = summarise(openView(store, context), namespace);
    print(context, json === true, services, () => renderServices(services, createPaint(context)));
  });
}

function addService(program: Command, context: RegistryContext): void {
  withStoreOptions(
    program
      .command('service <name>')
      .description("list a service's instances: where they are, and how they are")
      .option('--namespace <name>', "the service's namespace", defaultNamespace),
  ).action((name: string, { store, namespace = defaultNamespace, json }: Options) => {
    const instances = findService(openView(store, context), name, namespace);
    print(context, json === true, instances, () => renderInstances(instances, createPaint(context)));
  });
}

type ResolveOptions = Options & { readonly zone: string; readonly type?: ResolvableType };

function addResolve(program: Command, context: RegistryContext): void {
  withStoreOptions(
    program
      .command('resolve <name>')
      .description('print what DNS answers for a name, complete or short, or for an address')
      .addOption(new Option('--type <type>', 'one type of record').choices(resolvableTypes))
      .option('--zone <domain>', 'the domain of all names', defaultZone)
      .option('--namespace <name>', 'where short names are looked for', defaultNamespace),
  ).action((name: string, { store, zone, type, namespace = defaultNamespace, json }: ResolveOptions) => {
    const resolved = resolve(openView(store, context), { name, zone, namespace, type });
    print(context, json === true, resolved, () =>
      resolved.length === 0
        ? `${name}: is registered, but has no such record, or no healthy instance`
        : toTable(
            ['NAME', 'TYPE', 'DATA'],
            resolved.map((record) => [record.name, record.type, record.data]),
          ),
    );
  });
}

/** Often enough to look live; asking costs a few microseconds. */
const pollMs = 50;

function addWatch(program: Command, context: RegistryContext): void {
  withStoreOptions(
    program
      .command('watch [service]')
      .description('print every change of the registry, or of one service, as it happens')
      .option('--namespace <name>', 'only this namespace'),
  ).action(async (service: string | undefined, { store, namespace, json }: Options) => {
    const label = service === undefined ? undefined : toLabel(service);
    const isAskedFor = ({ instance }: Change) =>
      (label === undefined || instance.service === label) &&
      (namespace === undefined || instance.namespace === namespace);
    const render = (change: Change) =>
      json === true ? `${JSON.stringify(change)}\n` : renderChange(change, context);
    const follow = followFile(parsePath(store), context, (changes) => {
      for (const change of changes.filter(isAskedFor)) context.writeStdout(render(change));
    });
    await untilInterrupted(context, follow);
  });
}

/** Looks for changes when called; a file that has taken the other's place is followed from what it then has. */
function followFile(path: string, context: RegistryContext, onChange: ChangeListener): () => void {
  let view = openView(path, context);
  let opened = identifyFile(path);
  view.onChange(onChange);
  return () => {
    const found = identifyFile(path);
    if (found !== undefined && found !== opened) {
      view = openView(path, context);
      view.onChange(onChange);
      opened = found;
    }
    view.refresh();
  };
}

function untilInterrupted({ onInterrupt }: RegistryContext, work: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        work();
      } catch (error) {
        clearInterval(timer);
        reject(error);
      }
    }, pollMs);
    onInterrupt(() => {
      clearInterval(timer);
      resolve();
    });
  });
}

function renderChange({ kind, instance }: Change, context: RegistryContext): string {
  const paint = createPaint(context);
  const { namespace, service, id, address, port, status } = instance;
  const what = `${namespace}/${service}  ${id}  ${port === 0 ? address : joinPort(address, port)}`;
  const time = new Date().toISOString().slice(11, 23);
  return kind === 'put'
    ? `${time}  +  ${what}  ${paint(colours[status], status)}\n`
    : `${time}  -  ${what}  ${paint('red', 'gone')}\n`;
}

function joinPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function addRepair(program: Command, context: RegistryContext): void {
  withStoreOptions(
    program
      .command('registry')
      .description('the registry as a whole')
      .command('repair')
      .description('verify the registry; a damaged one is set aside, for the agent to restore what is alive'),
  ).action(({ store, json }: Options) => {
    const repaired = repair(parsePath(store), context);
    print(context, json === true, repaired, () =>
      repaired.setAside === undefined
        ? `${repaired.store}: is well`
        : `${repaired.store}: was damaged (${repaired.because}); it is kept as ${repaired.setAside}`,
    );
  });
}

type Repaired = { readonly store: string; readonly setAside?: string; readonly because?: string };

function repair(path: string, { openStore }: Pick<RegistryContext, 'openStore'>): Repaired {
  const found = identifyFile(path);
  try {
    const store = openStore(path);
    try {
      store.verify();
    } finally {
      store.close();
    }
    return { store: path };
  } catch (error) {
    if (!isDamage(error)) throw error;
    // The agent may have set it aside meanwhile, and what is there now may be well.
    if (identifyFile(path) !== found) return repair(path, { openStore });
    return { store: path, setAside: setAside(path, new Date()), because: error.message };
  }
}

/** To look must not make: a file that nobody has written would say that nothing is registered. */
function openView(store: string, { openStore }: RegistryContext): RegistryView {
  const path = parsePath(store);
  if (existsSync(path)) return new RegistryView(openStore(path));
  throw new CniError(
    ErrorCode.internal,
    `there is no registry ${path}: nothing has been registered yet, or --store must say where it is`,
  );
}

/** @throws CniError code 7 */
export function parsePath(store: string): string {
  const path = parseStorePath(store);
  if (path !== undefined) return path;
  throw new CniError(
    ErrorCode.invalidConfig,
    `--store: expected an absolute path, found ${JSON.stringify(store)}`,
  );
}
