import { preview } from '../ipam/host-local/add.ts';
import { createHostLocal } from '../ipam/host-local/plugin.ts';
import { createStatic } from '../ipam/static/plugin.ts';
import type { AttachParts } from '../lib/attach/parts.ts';
import { bandwidth } from '../lib/bandwidth/capability.ts';
import { explain } from '../lib/bridge/explain.ts';
import { createBridgePlugin } from '../lib/bridge/plugin.ts';
import { createChainedPlugin } from '../lib/capability/chained-plugin.ts';
import type { Plugin } from '../lib/cni/dispatch.ts';
import { createSelectIpam } from '../lib/cni/ipam.ts';
import { firewall } from '../lib/firewall/firewall.ts';
import { createLoopback } from '../lib/loopback/plugin.ts';
import { explain as explainLink } from '../lib/point-to-point/explain.ts';
import { createPointToPointPlugin } from '../lib/point-to-point/plugin.ts';
import { portmap } from '../lib/portmap/portmap.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import { withRegistry } from '../lib/registry/with-registry.ts';
import type { Records } from '../lib/rules/records.ts';
import { tuning } from '../lib/tuning/tuning.ts';
import { bridge } from './bridge/plugin.ts';
import type { Explainer } from './cli/explain.ts';
import { ptp } from './ptp/plugin.ts';
import { createRegister } from './register/plugin.ts';
import { routed } from './routed/plugin.ts';
import { vxlanOverlay } from './vxlan-overlay/plugin.ts';

/** The plugins that attach containers to a bridge. */
const bridgeKinds = [bridge, vxlanOverlay];

/** Those that give each container a link of its own to the host. */
const pointToPointKinds = [ptp, routed];

/** What a conflist may ask for beside attaching: of a main plugin, or by the executable of that name. */
export const capabilities = [portmap, bandwidth, firewall, tuning];

/** What all plugins are made from. */
export type PluginParts = {
  readonly registrar: TellingParts;
  readonly records: Records;
  /** Whether the executable at a path is of this very build. */
  readonly isSameBuild: (path: string) => boolean;
  /** Has the time of a plugin's verbs counted as that of a part of the call. */
  readonly timed?: (part: 'ipam' | 'registry' | 'other', plugin: Plugin) => Plugin;
};

/** Every plugin of the suite. */
export type Plugins = {
  readonly all: readonly Plugin[];
  /** Those whose attachments are registered. */
  readonly registering: readonly Plugin[];
};

/** Makes the plugins; to make them costs next to nothing, so whoever serves many calls makes them for each. */
export function composePlugins({
  registrar,
  records,
  isSameBuild,
  timed = (_part, plugin) => plugin,
}: PluginParts): Plugins {
  const { machine } = registrar;
  const ipamPlugins = [createHostLocal(machine), createStatic()];
  const selectIpam = createSelectIpam({
    machine,
    builtIn: new Map(ipamPlugins.map((each) => [each.name, timed('ipam', each)])),
    isSameBuild,
  });
  const parts = { machine, selectIpam, records, capabilities };
  const attaching = [
    ...bridgeKinds.map((kind) => createBridgePlugin({ kind, ...parts })),
    ...pointToPointKinds.map((kind) => createPointToPointPlugin({ kind, ...parts })),
  ];
  const registering = [
    ...attaching.map((plugin) => withRegistry(timed('other', plugin), registrar)),
    createRegister(registrar),
  ].map((plugin) => timed('registry', plugin));
  const chained = capabilities.map((capability) => createChainedPlugin(capability, { machine, records }));
  return { registering, all: [...registering, ...chained, ...ipamPlugins, createLoopback(machine)] };
}

/** What `fairlead explain` asks, by the plugin's name. */
export function composeExplainers(
  parts: Pick<AttachParts, 'machine' | 'records'>,
): ReadonlyMap<string, Explainer> {
  const all = { ...parts, capabilities };
  return new Map<string, Explainer>([
    ...bridgeKinds.map((kind): [string, Explainer] => [
      kind.name,
      (call) => explain(call, { kind, ...all }, preview),
    ]),
    ...pointToPointKinds.map((kind): [string, Explainer] => [
      kind.name,
      (call) => explainLink(call, { kind, ...all }, preview),
    ]),
  ]);
}
