import { describe, expect, test } from 'vitest';
import { parseRegistryConfig } from '../../../lib/registry/config.ts';
import type { Declaration } from '../../../lib/registry/declaration.ts';
import { collectDeclaration } from '../../../lib/registry/sources.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';

function collect(conf: object, args = ''): { said: Declaration; warnings: readonly string[] } {
  const warnings: string[] = [];
  const call = toCall(conf, addEnvironment(args === '' ? {} : { CNI_ARGS: args }));
  const config = parseRegistryConfig(call.conf);
  if (config === undefined) throw new Error('registry is false');
  return { said: collectDeclaration(call, config, (warning) => warnings.push(warning)), warnings };
}

const annotations = (labels: object) => ({
  runtimeConfig: { 'io.kubernetes.cri.pod-annotations': labels },
});
const mesos = (info: object) => ({ 'org.apache.mesos': { network_info: info } });

describe('sources', () => {
  test.each<[string, object, string]>([
    ['args.cni.labels as a list', { args: { cni: { labels: [{ key: 'SERVICE_NAME', value: 'x' }] } } }, ''],
    ['args.cni.labels as an object', { args: { cni: { labels: { SERVICE_NAME: 'x' } } } }, ''],
    ["Mesos' labels", { args: mesos({ labels: { labels: [{ key: 'SERVICE_NAME', value: 'x' }] } }) }, ''],
    ['pod annotations', annotations({ SERVICE_NAME: 'x' }), ''],
    ['CNI_ARGS', {}, 'SERVICE_NAME=x'],
    ['CNI_ARGS with a pod', {}, 'IgnoreUnknown=1;K8S_POD_NAME=x'],
    ['the registry block', { registry: { service: 'x' } }, ''],
  ])('%s name the service', (_, conf, args) => {
    expect(collect(conf, args)).toEqual({ said: { service: 'x' }, warnings: [] });
  });

  test('without any, nothing is said, and the container is known by its id', () => {
    expect(collect({})).toEqual({ said: {}, warnings: [] });
  });

  test("a pod's namespace is the service's", () => {
    const args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=abc';

    expect(collect({}, args).said).toEqual({ service: 'web-0', namespace: 'shop' });
  });

  test('labels that are none of ours, and values that are no text, are passed over', () => {
    const labels = [
      { key: 'app', value: 'x' },
      { key: 'SERVICE_NAME', value: 5 },
      { value: 'y' },
      'z',
      null,
      7,
    ];

    expect(collect({ args: { cni: { labels } } })).toEqual({ said: {}, warnings: [] });
    expect(collect(annotations({ SERVICE_NAME: ['x'] }))).toEqual({ said: {}, warnings: [] });
    expect(collect({ args: { cni: { labels: 'SERVICE_NAME=x' } } })).toEqual({ said: {}, warnings: [] });
  });

  test('an item of a list of labels that is a list itself is passed over, too', () => {
    expect(collect({ args: { cni: { labels: [['SERVICE_NAME', 'x']] } } }).said).toEqual({});
  });
});

describe('pod annotations', () => {
  test.each<[string, object]>([
    [
      "containerd's, all annotations as an object",
      { SERVICE_NAME: 'web', 'kubernetes.io/config.source': 'api' },
    ],
    ['in lower case', { service_name: 'web' }],
    ['a list of keys and values', [{ key: 'SERVICE_NAME', value: 'web' }]],
    ["a list of Go's fields", [{ Key: 'SERVICE_NAME', Value: 'web' }]],
  ])('name the service in this shape: %s', (_, sent) => {
    expect(collect(annotations(sent))).toEqual({ said: { service: 'web' }, warnings: [] });
  });

  test.each<[string, unknown]>([
    ['none at all', {}],
    ["null, Go's empty map", null],
    ['a text', 'SERVICE_NAME=web'],
  ])('that are %s say nothing', (_, sent) => {
    const conf = { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': sent } };

    expect(collect(conf)).toEqual({ said: {}, warnings: [] });
  });

  test("win over the pod's own name, which its namespace stays with", () => {
    const args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0';
    const { said } = collect(annotations({ SERVICE_NAME: 'web', SERVICE_80_TAGS: 'v1' }), args);

    expect(said).toEqual({ service: 'web', namespace: 'shop', perPort: { 80: { tags: ['v1'] } } });
  });
});

describe('precedence', () => {
  /** Every source names the service, from the one that wins to the one that loses. */
  const layers: readonly { readonly name: string; readonly conf?: object; readonly args?: string }[] = [
    { name: 'labels', conf: { args: { cni: { labels: { SERVICE_NAME: 'labels' } } } } },
    {
      name: 'mesos',
      conf: { args: mesos({ labels: { labels: [{ key: 'SERVICE_NAME', value: 'mesos' }] } }) },
    },
    { name: 'annotations', conf: annotations({ SERVICE_NAME: 'annotations' }) },
    { name: 'cni-args', args: 'SERVICE_NAME=cni-args' },
    { name: 'pod', args: 'K8S_POD_NAME=pod' },
    { name: 'block', conf: { registry: { service: 'block' } } },
  ];

  test.each(layers.map(({ name }, index) => [name, index] as const))(
    '%s win over all that come after them',
    (name, index) => {
      const present = layers.slice(index);
      const args = present.map((layer) => layer.args).filter((text) => text !== undefined);
      const conf = present.map((layer) => layer.conf ?? {}).reduce(mergeDeep, {});

      expect(collect(conf, args.join(';')).said.service).toBe(name);
    },
  );

  test('each field is taken from the first source that has it, and metadata key by key', () => {
    const { said } = collect({
      args: { cni: { labels: { SERVICE_NAME: 'web', SERVICE_OWNER: 'labels' } } },
      ...annotations({ SERVICE_TAGS: 'v1', SERVICE_OWNER: 'annotations', SERVICE_ZONE: 'a' }),
      registry: { service: 'block', weight: 3, tags: ['block'], meta: { owner: 'block', stage: 'test' } },
    });

    expect(said).toEqual({
      service: 'web',
      tags: ['v1'],
      weight: 3,
      meta: { owner: 'labels', zone: 'a', stage: 'test' },
    });
  });

  test('what several sources say of one port is put together in the same way', () => {
    const { said } = collect(
      { args: { cni: { labels: { SERVICE_80_NAME: 'web' } } } },
      'SERVICE_80_NAME=loses;SERVICE_80_TAGS=v1;SERVICE_443_NAME=tls',
    );

    expect(said.perPort).toEqual({ 80: { service: 'web', tags: ['v1'] }, 443: { service: 'tls' } });
  });

  test('a label that is left out leaves its place to the next source', () => {
    const { said, warnings } = collect({
      args: { cni: { labels: { SERVICE_WEIGHT: 'heavy' } } },
      registry: { weight: 2 },
    });

    expect(said).toEqual({ weight: 2 });
    expect(warnings).toHaveLength(1);
  });
});

describe('port mappings', () => {
  const mapped = (portMappings: unknown, more: object = {}) =>
    collect({ runtimeConfig: { portMappings }, ...more }).said.ports;

  test("the container's side of each mapping is a port, however it is spelled", () => {
    const ports = mapped([
      { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
      { HostPort: 5353, ContainerPort: 53, Protocol: 'UDP' },
      { hostPort: 9000, containerPort: 9000 },
    ]);

    expect(ports).toEqual([
      { name: '', port: 80, transport: 'tcp' },
      { name: '', port: 53, transport: 'udp' },
      { name: '', port: 9000, transport: 'tcp' },
    ]);
  });

  test('a port that is mapped twice is one port; of two transports it is two', () => {
    const ports = mapped([
      { hostPort: 1, containerPort: 53, protocol: 'tcp' },
      { hostPort: 2, containerPort: 53, protocol: 'tcp' },
      { hostPort: 3, containerPort: 53, protocol: 'udp' },
    ]);

    expect(ports?.map(({ port, transport }) => `${port}/${transport}`)).toEqual(['53/tcp', '53/udp']);
  });

  test("Mesos' mappings are taken where there are no others", () => {
    const args = mesos({ port_mappings: [{ host_port: 8080, container_port: 80, protocol: 'tcp' }] });

    expect(collect({ args }).said.ports).toEqual([{ name: '', port: 80, transport: 'tcp' }]);
  });

  test('ports that are declared win over those that are mapped', () => {
    const mappings = [{ hostPort: 8080, containerPort: 80 }];

    expect(mapped(mappings, { registry: { ports: [{ port: 9100 }] } })).toMatchObject([{ port: 9100 }]);
  });

  test.each([
    [[{ hostPort: 1 }]],
    [[{ containerPort: 70_000 }]],
    [[{ containerPort: 80.5 }]],
    [[{ containerPort: '80' }]],
    [['80']],
    ['80'],
  ])('a mapping that is none (%j) is left to the port mapper to refuse', (mappings) => {
    expect(mapped(mappings)).toBeUndefined();
  });

  test('a mapping that is a list is left to the port mapper, too', () => {
    expect(mapped([[]])).toBeUndefined();
  });
});

function mergeDeep(one: object, other: object): object {
  const merged: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const known = merged[key];
    merged[key] = isObject(known) && isObject(value) ? mergeDeep(known, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
