import { describe, expect, test } from 'vitest';
import { parseBandwidth } from '../../../lib/bandwidth/config.ts';
import { toCall } from '../../support/calls.ts';

const parse = (conf: object) => parseBandwidth(toCall({ type: 'bandwidth', ...conf }).conf);

describe('where limits come from', () => {
  const inConf = { ingressRate: 1_000_000, ingressBurst: 80_000 };
  const inRuntime = { runtimeConfig: { bandwidth: { egressRate: 2_000_000, egressBurst: 160_000 } } };

  test('the configuration’s own fields, in bits', () => {
    expect(parse(inConf)).toEqual({ ingress: { rate: 1_000_000, burst: 10_000 }, egress: undefined });
  });

  test('the runtime’s capability', () => {
    expect(parse(inRuntime)).toEqual({ ingress: undefined, egress: { rate: 2_000_000, burst: 20_000 } });
  });

  test('the capability as containerd writes it', () => {
    const written = { IngressRate: 8000, IngressBurst: 4_294_967_295, EgressRate: 0, EgressBurst: 0 };

    expect(parse({ runtimeConfig: { bandwidth: written } })).toEqual({
      ingress: { rate: 8000, burst: 536_870_911 },
      egress: undefined,
    });
  });

  test('the configuration’s own fields before the runtime’s, all of them', () => {
    expect(parse({ ...inConf, ...inRuntime }).egress).toBeUndefined();
    expect(parse({ ingressRate: 0, ...inRuntime }).egress).toBeUndefined();
  });

  test('nowhere: there is no limit', () => {
    expect(parse({})).toEqual({ ingress: undefined, egress: undefined });
    expect(parse({ runtimeConfig: { bandwidth: null } })).toEqual({ ingress: undefined, egress: undefined });
  });
});

describe('a limit is refused', () => {
  test.each([
    [{ ingressRate: 8000 }, 'ingressRate: needs ingressBurst beside it'],
    [{ egressBurst: 8000 }, 'egressBurst: needs egressRate beside it'],
    [{ egressRate: 7, egressBurst: 8000 }, 'egressRate: expected a whole number from 8'],
    [{ egressRate: 8000, egressBurst: 7 }, 'egressBurst: expected a whole number from 8'],
    [{ egressRate: 8000, egressBurst: 8 * (2 ** 32 - 1) }, 'egressBurst: expected a whole number'],
    [{ ingressRate: -1, ingressBurst: 8000 }, 'ingressRate: expected a whole number'],
    [{ ingressRate: 1.5, ingressBurst: 8000 }, 'ingressRate: expected a whole number'],
    [{ ingressRate: '8000', ingressBurst: 8000 }, 'ingressRate: expected a whole number'],
    [{ runtimeConfig: { bandwidth: { ingressRate: 8000 } } }, 'runtimeConfig.bandwidth.ingressRate: needs'],
    [{ runtimeConfig: { bandwidth: [] } }, 'runtimeConfig.bandwidth: expected an object'],
    [
      { ingressRate: 8000, ingressBurst: 8000, unshapedSubnets: ['10.0.0.0/8'] },
      'unshapedSubnets: is not supported',
    ],
  ])('%j', (conf, message) => {
    expect(() => parse(conf)).toThrow(message);
  });

  test('but the largest burst that the kernel can hold is taken', () => {
    const { egress } = parse({ egressRate: 8000, egressBurst: 8 * (2 ** 32 - 1) - 1 });

    expect(egress?.burst).toBe(2 ** 32 - 2);
  });

  test('but empty lists of subnets mean all traffic', () => {
    expect(parse({ ingressRate: 8000, ingressBurst: 8000, shapedSubnets: [] }).ingress).toBeDefined();
  });
});
