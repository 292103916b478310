import { test } from 'vitest';
import { bridgeConf, dualConf, hostLocalConf } from '../support/confs.ts';
import { mustInside } from '../support/process.ts';
import type { CallOptions, Conf, Rig } from '../support/rig.ts';
import { routedConf } from '../support/routed.ts';
import { expectSame, type Scene, type TwinCase } from '../support/twins.ts';

const mac = '02:00:00:00:00:07';
const portMappings = [{ hostPort: 18_080, containerPort: 80, protocol: 'tcp' }];

/** Every verb, most of them as they should be called, some once too often. */
async function everyVerb({ call }: Scene, conf: Conf, more: CallOptions = {}): Promise<void> {
  await call('VERSION', conf, more);
  const prevResult = await call('ADD', conf, more);
  await call('ADD', conf, more);
  await call('CHECK', { ...conf, prevResult }, more);
  await call('STATUS', conf, more);
  await call('GC', { ...conf, 'cni.dev/valid-attachments': [] }, more);
  await call('CHECK', { ...conf, prevResult }, more);
  await call('DEL', { ...conf, prevResult }, more);
  await call('DEL', conf, more);
}

/** ADD, CHECK and DEL of a plugin chained after a bridge. */
async function chained({ rig, call }: Scene, conf: Conf): Promise<void> {
  const prevResult = await call('ADD', bridgeConf(rig, { registry: false }));
  const whole = { cniVersion: '1.1.0', name: 'net', ...conf, prevResult };
  await call('ADD', { ...whole, prevResult: undefined });
  const after = await call('ADD', whole);
  await call('CHECK', { ...whole, prevResult: after });
  await call('STATUS', whole);
  await call('DEL', whole);
  await call('CHECK', { ...whole, prevResult: after });
  await call('DEL', whole);
}

/** A host with an outer interface, for an overlay. */
async function linkOutside(rig: Rig): Promise<void> {
  const lines = [
    'link add name eth0 type veth peer name outside0',
    'addr add 192.168.77.1/24 dev eth0',
    'link set dev eth0 up',
    'link set dev outside0 up',
  ];
  for (const line of lines) await mustInside(rig.host, 'ip', ...line.split(' '));
}

const cases: Record<string, TwinCase> = {
  bridge: {
    script: (scene) => everyVerb(scene, dualConf(scene.rig, { mac })),
    codes: '0 0 999 0 0 0 999 0 0',
  },
  'bridge with all that it is capable of': {
    script: (scene) =>
      everyVerb(
        scene,
        dualConf(scene.rig, {
          ipMasq: true,
          macspoofchk: true,
          ipspoofchk: true,
          hairpinMode: true,
          sysctl: { 'net.ipv4.conf.IFNAME.arp_filter': '1' },
          registry: {
            store: scene.rig.store,
            service: 'web',
            ports: [{ name: 'http', port: 80 }],
            dns: true,
          },
          runtimeConfig: {
            mac,
            portMappings,
            bandwidth: { ingressRate: 1e6, ingressBurst: 1e6, egressRate: 1e6, egressBurst: 1e6 },
          },
        }),
      ),
    codes: '0 0 999 0 0 0 999 0 0',
  },
  'results of every version of the specification': {
    script: async ({ rig, call }) => {
      for (const cniVersion of ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0', '9.9.9']) {
        await call('ADD', bridgeConf(rig, { cniVersion }));
        await call('STATUS', bridgeConf(rig, { cniVersion }));
        await call('DEL', bridgeConf(rig, { cniVersion }));
      }
    },
    codes: '0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 0 0 1 1 1',
  },
  'vxlan-overlay': {
    script: async (scene) => {
      await linkOutside(scene.rig);
      await everyVerb(scene, {
        cniVersion: '1.1.0',
        name: 'overlay',
        type: 'vxlan-overlay',
        interface: 'eth0',
        network: '10.5.0.0/16',
        subnet: '10.5.1.0/24',
        peers: [{ publicIP: '192.168.77.2', subnet: '10.5.2.0/24' }],
        ipam: { dataDir: scene.rig.dataDir },
      });
    },
    codes: '0 0 999 0 0 0 999 0 0',
  },
  routed: {
    script: async (scene) => {
      await mustInside(scene.rig.host, 'ip', 'link', 'set', 'dev', 'lo', 'up');
      await everyVerb(scene, routedConf(scene.rig, { ipMasq: true, runtimeConfig: { mac, portMappings } }));
    },
    codes: '0 0 999 0 0 0 999 0 0',
  },
  ptp: {
    script: (scene) =>
      everyVerb(scene, { ...bridgeConf(scene.rig), type: 'ptp', ipMasq: true, bridge: undefined }),
    codes: '0 0 999 0 0 0 999 0 0',
  },
  'host-local': {
    script: (scene) => everyVerb(scene, hostLocalConf(scene.rig)),
    codes: '0 0 999 0 0 0 999 0 0',
  },
  static: {
    script: (scene) =>
      everyVerb(
        scene,
        hostLocalConf(scene.rig, { type: 'static', ipam: { addresses: [{ address: '10.9.0.1/24' }] } }),
      ),
    codes: '0 0 0 0 0 0 0 0 0',
  },
  loopback: {
    script: (scene) =>
      everyVerb(scene, { cniVersion: '1.1.0', name: 'lo', type: 'loopback' }, { ifName: 'lo' }),
    codes: '0 0 0 0 0 0 0 0 0',
  },
  portmap: {
    script: (scene) => chained(scene, { type: 'portmap', runtimeConfig: { portMappings } }),
    codes: '0 7 0 0 0 0 999 0',
  },
  bandwidth: {
    script: (scene) => chained(scene, { type: 'bandwidth', egressRate: 1e6, egressBurst: 1e6 }),
    codes: '0 7 0 0 0 0 999 0',
  },
  firewall: { script: (scene) => chained(scene, { type: 'firewall' }), codes: '0 7 0 0 0 0 0 0' },
  tuning: {
    script: (scene) => chained(scene, { type: 'tuning', mtu: 1300, mac, dataDir: scene.rig.dir }),
    codes: '0 7 0 0 0 0 999 0',
  },
  register: { script: (scene) => chained(scene, { type: 'register' }), codes: '0 7 0 0 0 0 999 0' },
};

test.for(Object.entries(cases))('an agent answers as the executables do: %s', ([, each], context) =>
  expectSame(each, context),
);
