import { type HttpAnswer, HttpClient, nameOf } from '../../http/http-client.ts';
import { HttpFailure } from '../../http/http-failure.ts';
import { reasonOf } from '../../http/reason.ts';
import { apis, type NacosApi, type NacosCall } from './api.ts';
import type { NacosConfig } from './config.ts';
import { countItems, type Host, type Listed, parseCatalogue, parseServices } from './host.ts';
import { Login } from './login.ts';
import type { GroupedService, Place } from './place.ts';
import type { Registration } from './registration.ts';

/** Connections to one server. */
const mostSockets = 24;
/** Services of one name in groups whose names have one part in common. */
const mostNamesakes = 1_000;

/** The calls of Nacos's API that a mirror needs. All reject with an HttpFailure that names the call. */
export class NacosClient implements Disposable {
  readonly #http: HttpClient;
  readonly #api: NacosApi;
  readonly #path: string;
  readonly #namespaceId: string;
  readonly #login: Login | undefined;

  constructor({ http, user, api, path, namespaceId }: NacosConfig) {
    this.#http = new HttpClient({ ...http, what: 'nacos', mostSockets });
    this.#api = apis[api];
    this.#path = path;
    this.#namespaceId = namespaceId;
    this.#login = user && new Login(this.#http, path + this.#api.loginPath, user);
  }

  /** @returns why the server does not take this one; undefined: it stands */
  async register(place: Place, registration: Registration, signal: AbortSignal): Promise<string | undefined> {
    const params = { ...placeParams(place), ...registrationParams(registration) };
    return this.#write({ method: 'POST', path: this.#api.instancePath, params }, signal);
  }

  /** Overwrites what somebody has set by Nacos's console, which else has precedence for ever. */
  async update(place: Place, registration: Registration, signal: AbortSignal): Promise<string | undefined> {
    const params = { ...placeParams(place), ...registrationParams(registration) };
    return this.#write({ method: 'PUT', path: this.#api.updatePath, params }, signal);
  }

  /** @returns why the server refuses that; undefined: it is not there, or not any more */
  async deregister(place: Place, signal: AbortSignal): Promise<string | undefined> {
    return this.#write(
      { method: 'DELETE', path: this.#api.instancePath, params: placeParams(place) },
      signal,
    );
  }

  /** @returns whether the server knows it; what it does not know must be registered again */
  async beat(place: Place, signal: AbortSignal): Promise<boolean> {
    const call = { ...this.#api.beat, params: { ...this.#api.beat.params, ...placeParams(place) } };
    return this.#read(call, signal, this.#api.isKnown);
  }

  /** All instances of a service, whether clients are given them or not; nothing where nobody knows it. */
  async hosts({ group, service }: GroupedService, signal: AbortSignal): Promise<readonly Host[]> {
    // Both are regular expressions for a part of `group@@service`; lists of one service alone are of one cluster alone.
    const name = /^[\w-]+$/.test(service) ? service : `\\Q${service}\\E`;
    const params = { withInstances: 'true', groupNameParam: group, serviceNameParam: `(?<=@)${name}$` };
    const found = await this.#read(this.#page(1, mostNamesakes, params), signal, (json) =>
      parseCatalogue(this.#api.parseCatalogue(json)),
    );
    return found.flatMap((listed) =>
      listed.group === group && listed.service === service ? listed.hosts : [],
    );
  }

  /** Services of all groups with their instances; pages begin at 1. */
  async catalogue(pageNo: number, pageSize: number, signal: AbortSignal): Promise<Page<Listed>> {
    const call = this.#page(pageNo, pageSize, { withInstances: 'true' });
    const parse = (json: unknown) => toPage(this.#api.parseCatalogue(json), pageSize, parseCatalogue);
    return this.#read(call, signal, parse);
  }

  /** Services of all groups that have instances, in the same way. */
  async services(pageNo: number, pageSize: number, signal: AbortSignal): Promise<Page<GroupedService>> {
    const call = this.#page(pageNo, pageSize, this.#api.namesParams);
    const parse = (json: unknown) => toPage(this.#api.parseNames(json), pageSize, parseServices);
    return this.#read(call, signal, parse);
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #page(pageNo: number, pageSize: number, params: NacosCall['params']): NacosCall {
    const page = { pageNo: String(pageNo), pageSize: String(pageSize) };
    return { method: 'GET', path: this.#api.cataloguePath, params: { ...page, ...params } };
  }

  async #write(call: NacosCall, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#ask(call, signal);
    const isItsOwn = answer.status === 400 || (answer.status === 403 && this.#login !== undefined);
    if (isItsOwn) return this.#failureOf(call, answer).message;
    this.#parsed(call, answer, expectDone);
    return undefined;
  }

  async #read<T>(call: NacosCall, signal: AbortSignal, parse: (json: unknown) => T): Promise<T> {
    return this.#parsed(call, await this.#ask(call, signal), parse);
  }

  /** A token may have ended before its time, as where the server has a new key: what is refused is asked once more. */
  async #ask(call: NacosCall, signal: AbortSignal): Promise<HttpAnswer> {
    const login = this.#login;
    if (login === undefined) return this.#send(call, {}, signal);
    const token = await login.token(signal);
    const answer = await this.#send(call, { accessToken: token }, signal);
    const isRefused = answer.status === 401 || answer.status === 403;
    if (!isRefused || !(await login.refused(token))) return answer;
    return this.#send(call, { accessToken: await login.token(signal) }, signal);
  }

  #send(
    { method, path, params }: NacosCall,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const query = new URLSearchParams({ namespaceId: this.#namespaceId, ...params }).toString();
    const at = this.#path + path;
    if (method === 'GET' || method === 'DELETE')
      return this.#http.ask({ method, path: `${at}?${query}`, headers, signal });
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
    return this.#http.ask({ method, path: at, headers: form, body: query, signal });
  }

  #parsed<T>(call: NacosCall, answer: HttpAnswer, parse: (json: unknown) => T): T {
    if (answer.status !== 200) throw this.#failureOf(call, answer);
    try {
      return parse(toJson(answer.text));
    } catch (cause) {
      throw new HttpFailure(this.#asked(call, answer), { kind: 'failed', because: reasonOf(cause), cause });
    }
  }

  #failureOf(call: NacosCall, answer: HttpAnswer): HttpFailure {
    const asked = this.#asked(call, answer);
    if (!otherApi.has(answer.status)) return HttpFailure.ofStatus(asked, answer.status, answer.text);
    const because = `HTTP ${answer.status}: this server has no such call (see api and path)`;
    return new HttpFailure(asked, { kind: 'failed', status: answer.status, because });
  }

  #asked({ method, path }: NacosCall, { endpoint }: HttpAnswer) {
    return { what: 'nacos', endpoint, call: nameOf({ method, path: this.#path + path }) };
  }
}

/** One page of a list; some servers answer every page after a short one with that one again. */
export type Page<T> = { readonly items: readonly T[]; readonly isLast: boolean };

function toPage<T>(json: unknown, pageSize: number, parse: (json: unknown) => readonly T[]): Page<T> {
  return { items: parse(json), isLast: countItems(json) < pageSize };
}

/** What servers of another generation say to a path that they do not have (any more). */
const otherApi: ReadonlySet<number> = new Set([404, 405, 410, 501]);

function placeParams({ group, service, ip, port, cluster }: Place) {
  return {
    serviceName: service,
    groupName: group,
    ip,
    port: String(port),
    clusterName: cluster,
    ephemeral: 'true',
  };
}

function registrationParams({ enabled, weight, metadata }: Registration) {
  return { enabled: String(enabled), weight: String(weight), metadata: JSON.stringify(metadata) };
}

/** 1.x and 2.x answer some calls with a bare word. */
function toJson(text: string): unknown {
  if (text.trim() === 'ok') return 'ok';
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`expected JSON, found ${JSON.stringify(text.slice(0, 80))} (is this Nacos?)`);
  }
}

function expectDone(json: unknown): void {
  const isDone =
    json === 'ok' || (typeof json === 'object' && json !== null && 'code' in json && json.code === 0);
  if (!isDone) throw new Error(`expected "ok", found ${JSON.stringify(json).slice(0, 120)}`);
}
