import { afterAll, beforeEach, describe } from 'vitest';
import { requireNacos } from '../support/java-servers.ts';
import { describeMirror } from '../support/mirror-contract.ts';
import { NacosRig } from '../support/nacos-mirror.ts';

const rigs = {
  two: new NacosRig({ version: 2 }),
  three: new NacosRig({ version: 3 }),
};

afterAll(async () => {
  await rigs.two[Symbol.asyncDispose]();
  await rigs.three[Symbol.asyncDispose]();
});

beforeEach(requireNacos);

describe('a mirror to Nacos', { timeout: 120_000 }, () => {
  describeMirror('Nacos 2', () => rigs.two.subject());
  describeMirror('Nacos 3', () => rigs.three.subject());
});
