import { expect, test } from 'vitest';
import { endpointOf } from '../../lib/capability/endpoint.ts';
import { parseResult } from '../../lib/cni/result-parse.ts';
import { renderNft } from '../../lib/nft/render.ts';
import { portmap } from '../../lib/portmap/portmap.ts';
import { removalsOf } from '../../lib/rules/rules.ts';
import { toCall } from '../support/calls.ts';
import { scriptMachine } from '../support/scripted-machine.ts';

// The exact lines that host ports hand to `nft`: what all have in common, what is an attachment's own, and its removal.

const web = { hostPort: 8080, containerPort: 80 };
const dns = { hostPort: 53, containerPort: 53, protocol: 'UDP', hostIP: '192.0.2.1' };

const cases: Record<string, { conf: object; hostEnds?: readonly string[] }> = {
  'two mappings on a bridge': { conf: { runtimeConfig: { portMappings: [web, dns] } } },
  'a link of its own': { conf: { runtimeConfig: { portMappings: [web] } }, hostEnds: ['veth1'] },
  'conditions and masqAll': {
    conf: {
      runtimeConfig: { portMappings: [web, dns] },
      conditionsV4: ['!', '-d', '198.51.100.0/24', '-i', 'eth0'],
      masqAll: true,
    },
  },
};

test.each(Object.entries(cases))('%s', async (name, { conf, hostEnds = ['br0', 'veth1'] }) => {
  const { conf: netConf, attachment } = toCall({ type: 'portmap', ...conf });
  const result = {
    cniVersion: '1.0.0',
    interfaces: [...hostEnds.map((each) => ({ name: each })), { name: 'eth0', sandbox: '/run/netns/c1' }],
    ips: ['10.22.0.2/24', 'fd00:22::2/64'].map((address) => ({ address, interface: hostEnds.length })),
  };
  const endpoint = endpointOf('net', attachment, parseResult(result, 'prevResult', '1.0.0'));
  const rules = portmap.open(netConf)?.rules(endpoint, scriptMachine());
  if (rules === undefined) throw new Error('nothing is wanted');

  const text = [
    '# ADD',
    ...renderNft([...rules.shared, ...rules.own]),
    '# DEL',
    ...renderNft(removalsOf(rules.own)),
  ];

  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(`expected/portmap, ${name}.txt`);
});
