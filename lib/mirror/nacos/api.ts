import type { HttpCall } from '../../http/http-client.ts';
import { objectOf } from './host.ts';

/** A call without what all have in common; its parameters go where the method wants them. */
export type NacosCall = Pick<HttpCall, 'method' | 'path'> & {
  readonly params: Readonly<Record<string, string>>;
};

/** Where one generation of Nacos has what is needed, and how it answers. Pure. */
export type NacosApi = {
  readonly loginPath: string;
  /** POST registers, DELETE takes away. */
  readonly instancePath: string;
  /** PUT changes what operators see and set. */
  readonly updatePath: string;
  readonly beat: NacosCall;
  /** Whether the server knows the instance that a beat was for. */
  readonly isKnown: (json: unknown) => boolean;
  /** Services of all groups, page by page. */
  readonly cataloguePath: string;
  /** The items of a page that has the instances, too. */
  readonly parseCatalogue: (json: unknown) => unknown;
  /** Parameters with which only services that have instances are listed, and their names alone. */
  readonly namesParams: NacosCall['params'];
  readonly parseNames: (json: unknown) => unknown;
};

/** Of Nacos 1.3 to 2.x. */
const v1: NacosApi = {
  loginPath: '/v1/auth/login',
  instancePath: '/v1/ns/instance',
  updatePath: '/v1/ns/instance',
  beat: { method: 'PUT', path: '/v1/ns/instance/beat', params: {} },
  isKnown: (json) => codeOf(json) !== 20404,
  cataloguePath: '/v1/ns/catalog/services',
  parseCatalogue: (json) => json,
  namesParams: { withInstances: 'false', hasIpCount: 'true' },
  parseNames: (json) => objectOf(json).serviceList,
};

/** Of Nacos 3.x. */
const v3: NacosApi = {
  loginPath: '/v3/auth/user/login',
  instancePath: '/v3/client/ns/instance',
  updatePath: '/v3/admin/ns/instance',
  beat: { method: 'POST', path: '/v3/client/ns/instance', params: { heartBeat: 'true' } },
  isKnown: (json) => codeOf(json) !== 21003,
  cataloguePath: '/v3/admin/ns/service/list',
  parseCatalogue: pageItemsOf,
  namesParams: { withInstances: 'false', ignoreEmptyService: 'true' },
  parseNames: pageItemsOf,
};

export const apis: Readonly<Record<'v1' | 'v3', NacosApi>> = { v1, v3 };

function codeOf(json: unknown): unknown {
  return objectOf(json).code;
}

function pageItemsOf(json: unknown): unknown {
  return objectOf(objectOf(json).data).pageItems;
}
