import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type CurlAnswer, type CurlRequest, curl } from './curl.ts';
import { javaArguments, nacosPath, toSystemProperties } from './java-servers.ts';
import { freeNacosPort } from './nacos-port.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';
import { serverUrl } from './server-url.ts';

export type NacosOptions = {
  /** The paths of 2 begin with `/nacos/v1` and `/nacos/v2`, those of 3 with `/nacos/v3`. */
  readonly version: 2 | 3;
  /** Without `netns` it listens on free ports of the machine's loopback. */
  readonly place: ServerPlace;
  /** An absolute path: where it keeps its data and its configuration. */
  readonly dir: string;
  /** Nobody may do anything without a token; this is the password of the user `nacos`, who may do everything. */
  readonly auth?: { readonly password: string; readonly tokenTtlSeconds?: number };
};

type Call = Pick<CurlRequest, 'method' | 'headers'> & { readonly form?: Readonly<Record<string, string>> };

/** One real Nacos, alone. It stores what is persistent, and no instance that lives by its beats. */
export class NacosServer implements RegistryServer {
  readonly #options: NacosOptions;
  readonly #port: number;
  readonly #process = new ServerProcess();

  private constructor(options: NacosOptions, port: number) {
    this.#options = options;
    this.#port = port;
  }

  /** Resolves when it answers, and its user has the password. */
  static async start(options: NacosOptions): Promise<NacosServer> {
    const server = new NacosServer(options, await findPort(options.place));
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get endpoints(): readonly string[] {
    return [serverUrl(this.#options.place.address, this.#port, 'http')];
  }

  get log(): string {
    return this.#process.log;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Asks its API by `curl`. @param path - from `/v1/` or `/v3/` on, with the query */
  call(path: string, { method, headers = {}, form }: Call = {}): Promise<CurlAnswer> {
    return curl({
      ...(method === undefined ? {} : { method }),
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
      headers,
      netns: this.#options.place.netns,
      url: `${this.endpoints[0]}/nacos${path}`,
    });
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async restart(): Promise<void> {
    await this.kill();
    mkdirSync(`${this.#home}/conf`, { recursive: true });
    writeFileSync(`${this.#home}/conf/application.properties`, this.#renderSettings());
    await this.#process.start(this.#command());
    await this.#process.serving('nacos', () => this.#isServing());
    await this.#setPassword();
  }

  async wipe(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.restart();
  }

  stop(): void {
    this.#process.stop();
  }

  cont(): void {
    this.#process.cont();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#home, { recursive: true, force: true });
  }

  get #home(): string {
    return `${this.#options.dir}/nacos-${this.#port}`;
  }

  async #isServing(): Promise<boolean> {
    const path =
      this.#options.version === 2 ? '/v1/console/health/readiness' : '/v3/admin/core/state/readiness';
    return (await this.call(path)).status === 200;
  }

  /** 2 begins with the password `nacos`, 3 without a user; once changed, this one does nothing. */
  async #setPassword(): Promise<void> {
    const { auth, version } = this.#options;
    if (auth === undefined) return;
    const { password } = auth;
    if (version === 3) {
      await this.call('/v3/auth/user/admin', { method: 'POST', form: { password } });
      return;
    }
    const login = await this.call('/v1/auth/login', {
      method: 'POST',
      form: { username: 'nacos', password: 'nacos' },
    });
    const { accessToken } = Object(login.body);
    if (typeof accessToken !== 'string') return;
    const form = { username: 'nacos', newPassword: password };
    await this.call(`/v1/auth/users?accessToken=${accessToken}`, { method: 'PUT', form });
  }

  #command() {
    const { version, place } = this.#options;
    const own = `${nacosPath}/v${version}`;
    const properties = {
      ...toSystemProperties(place, this.#home),
      'nacos.home': this.#home,
      'nacos.standalone': 'true',
      'nacos.inetutils.ip-address': place.address,
    };
    const java = [
      'java',
      ...javaArguments(768, properties),
      ...['-cp', `${own}:${own}/lib/*`, version === 2 ? 'com.alibaba.nacos.Nacos' : 'NacosServer'],
      `--spring.config.additional-location=file:${this.#home}/conf/`,
    ];
    // What its hosts talk with among themselves listens everywhere, whatever its settings.
    const preload = place.netns === undefined ? [`LD_PRELOAD=${nacosPath}/loopback.so`] : [];
    return { file: 'env', args: [`--chdir=${this.#home}`, ...preload, ...java], netns: place.netns };
  }

  #renderSettings(): string {
    const { place, auth, version } = this.#options;
    const settings = {
      'server.address': place.address,
      [version === 2 ? 'server.port' : 'nacos.server.main.port']: this.#port,
      'server.servlet.contextPath': '/nacos',
      // It makes its database while the first connection waits: for 3 s by default, too few on a busy machine.
      'db.pool.config.connection-timeout': 60_000,
      'nacos.core.auth.system.type': 'nacos',
      'nacos.core.auth.enabled': auth !== undefined,
      'nacos.core.auth.admin.enabled': auth !== undefined,
      'nacos.core.auth.caching.enabled': false,
      'nacos.core.auth.server.identity.key': 'server',
      'nacos.core.auth.server.identity.value': 'server',
      'nacos.core.auth.plugin.nacos.token.secret.key': Buffer.alloc(32, 'secret').toString('base64'),
      'nacos.core.auth.plugin.nacos.token.expire.seconds': auth?.tokenTtlSeconds ?? 18_000,
    };
    return Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  }
}

/** Nacos' usual port in a namespace of its own, a free one on the machine's loopback. */
async function findPort({ netns }: ServerPlace): Promise<number> {
  return netns === undefined ? freeNacosPort() : 8848;
}
