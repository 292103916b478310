import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { bridgeConf, ipamConf, v4 } from '../support/confs.ts';
import { mustInside } from '../support/process.ts';
import type { CallOptions, Rig, Verb } from '../support/rig.ts';
import { expectSame, type TwinCase } from '../support/twins.ts';

const other: CallOptions = { env: { CNI_CONTAINERID: 'other' }, ifName: 'eth1' };

const portMappings = [{ hostPort: 18_080, containerPort: 80, protocol: 'tcp' }];

/** Executables of others, as scripts, before ours. */
function foreignIpam(rig: Rig, script: string): CallOptions {
  mkdirSync(`${rig.dir}/foreign`, { recursive: true });
  writeFileSync(`${rig.dir}/foreign/theirs`, `#!/bin/sh\ncat > /dev/null\n${script}\n`, { mode: 0o755 });
  return { env: { CNI_PATH: `${rig.dir}/foreign:${rig.way.binDir}`, TOLD: 'by the caller' } };
}

const cases: Record<string, TwinCase> = {
  'a pool that is exhausted': {
    script: async ({ rig, call }) => {
      const range = { subnet: v4.subnet, rangeStart: '10.22.0.10', rangeEnd: '10.22.0.10' };
      const conf = bridgeConf(rig, { ipam: ipamConf(rig, [[range]]) });
      await call('ADD', conf);
      await call('ADD', conf, other);
      await call('STATUS', conf);
    },
    codes: '0 11 50',
  },
  'a host port that is taken': {
    script: async ({ rig, call }) => {
      const conf = bridgeConf(rig, { runtimeConfig: { portMappings } });
      await call('ADD', conf);
      await call('ADD', conf, other);
      await call('DEL', conf, other);
    },
    codes: '0 999 0',
  },
  'an interface of the host, and one of the container, that are somebody else’s': {
    script: async ({ rig, netns, call }) => {
      await mustInside(rig.host, 'ip', 'link', 'add', 'br0', 'type', 'veth', 'peer', 'name', 'peer0');
      await call('ADD', bridgeConf(rig));
      await mustInside(netns, 'ip', 'link', 'add', 'eth0', 'type', 'bridge');
      await call('ADD', bridgeConf(rig, { bridge: 'br1' }));
    },
    codes: '7 999',
  },
  'namespaces that are none': {
    script: async ({ rig, call }) => {
      for (const path of ['/run/netns/fl-tnone', `/run/netns/${rig.host}`, '/proc/self/ns/net', rig.dir, ''])
        for (const verb of ['ADD', 'CHECK', 'DEL'] as const)
          await call(verb, bridgeConf(rig, { prevResult: { cniVersion: '1.1.0', ips: [] } }), {
            env: { CNI_NETNS: path },
          });
    },
    codes: '4 4 0 8 8 0 8 8 0 4 4 0 4 4 0',
  },
  'an environment that is not a call’s': {
    script: async ({ rig, call }) => {
      const conf = bridgeConf(rig);
      for (const name of ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'])
        for (const value of [undefined, '', '../fl-absent', 'ä"\\'])
          await call('ADD', conf, { env: { [name]: value } });
      await call('ADD', conf, { args: 'K8S_POD_NAME' });
      await call('ADD', conf, { args: 'IP=10.22.0.9;X=y' });
      for (const verb of ['FLY', 'add']) await call(verb as Verb, conf);
    },
    codes: '4 4 4 4 4 4 4 4 4 4 4 4 4 4 7 7 4 4 4 4',
  },
  'a configuration that is none': {
    script: async ({ rig, call }) => {
      const conf = bridgeConf(rig);
      for (const stdin of [
        '',
        '{',
        '[]',
        'null',
        '\u0000',
        `${JSON.stringify(conf)}}`,
        '{"cniVersion": "1.0.0"}',
      ])
        for (const verb of ['ADD', 'DEL', 'VERSION', 'GC'] as const) await call(verb, conf, { stdin });
    },
    codes: '6 6 0 6 6 6 6 6 7 7 0 7 7 7 0 7 6 6 6 6 6 6 6 6 7 7 0 7',
  },
  'fields that are wrong': {
    script: async ({ rig, call }) => {
      const wrong = [
        { name: '../x' },
        { bridge: 'sixteen-letters-' },
        { mtu: 'x' },
        { hairpinMode: true, promiscMode: true },
        { ipam: { type: 'nobody' } },
        { ipam: { type: '../../bin/sh' } },
        { ipam: ipamConf(rig, [[{ subnet: '10.22.0.0/33' }]]) },
        { registry: { store: rig.store, policy: 'x' } },
        { args: { cni: { ips: ['10.99.0.1'] } } },
        { runtimeConfig: { portMappings: [{ hostPort: 0 }] } },
        { prevResult: 5 },
      ];
      for (const fields of wrong)
        for (const verb of ['ADD', 'DEL', 'STATUS'] as const) await call(verb, bridgeConf(rig, fields));
    },
    codes: '7 7 7 7 0 7 7 0 7 7 0 7 7 7 7 7 7 7 7 0 7 7 0 7 7 0 0 7 0 7 0 0 0',
  },
  'an IPAM plugin of others': {
    script: async ({ rig, call }) => {
      const conf = bridgeConf(rig, { ipam: { type: 'theirs' } });
      const ipams = [
        `echo '{"cniVersion": "1.1.0", "ips": [{"address": "10.22.0.9/24"}]}'`,
        `printf %s '{"code": 123, "msg": "'"$TOLD $CNI_COMMAND $CNI_CONTAINERID"'"}'; exit 1`,
        `echo junk; echo 'to whom it may concern' >&2`,
        'echo broken >&2; exit 1',
        'kill -9 $$',
      ];
      for (const ipam of ipams)
        for (const verb of ['ADD', 'DEL', 'STATUS'] as const) await call(verb, conf, foreignIpam(rig, ipam));
    },
    codes: '0 0 0 123 123 123 7 0 0 999 999 999 999 999 999',
  },
  'a registry that is damaged': {
    script: async ({ rig, call }) => {
      writeFileSync(rig.store, 'damaged');
      for (const policy of ['best-effort', 'required'])
        for (const verb of ['ADD', 'DEL'] as const)
          await call(verb, bridgeConf(rig, { registry: { store: rig.store, policy } }));
    },
    codes: '0 0 999 0',
  },
};

test.for(Object.entries(cases))('an agent answers as the executables do: %s', ([, each], context) =>
  expectSame(each, context),
);
