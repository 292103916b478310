import { type HttpAnswer, type HttpCall, type HttpClient, nameOf } from '../../http/http-client.ts';
import { HttpFailure } from '../../http/http-failure.ts';
import { isOfHttp } from '../../http/reason.ts';
import { SecretReader } from '../../http/secret.ts';
import { unlessAborted } from '../../http/unless-aborted.ts';
import type { NacosUser } from './config.ts';
import { objectOf } from './host.ts';

type Token = { readonly text: string; readonly sinceMs: number; readonly untilMs: number };

/** Of a token's time, the part after which another one is fetched. */
const renewAfterPart = 0.8;
/** A token that is refused so soon after the login is not to blame: its user has no right to what was asked. */
const freshMs = 2_000;

/** The token of a user, fetched when it is needed first, before its time is over, and when it is refused. */
export class Login {
  readonly #http: HttpClient;
  readonly #path: string;
  readonly #user: string;
  readonly #password: SecretReader;
  #token: Promise<Token> | undefined;

  constructor(http: HttpClient, path: string, { name, password }: NacosUser) {
    this.#http = http;
    this.#path = path;
    this.#user = name;
    this.#password = new SecretReader(password);
  }

  /** @throws HttpFailure where the server does not let the user in */
  async token(signal: AbortSignal): Promise<string> {
    const { text, untilMs } = await this.#fetched(signal);
    if (performance.now() < untilMs) return text;
    this.#token = undefined;
    return (await this.#fetched(signal)).text;
  }

  /**
   * Forgets a token that was refused; several calls may have had the same one.
   * @returns whether another one may be accepted
   */
  async refused(text: string): Promise<boolean> {
    const token = await this.#token;
    if (token?.text !== text) return true;
    if (performance.now() - token.sinceMs < freshMs) return false;
    this.#token = undefined;
    return true;
  }

  /** One login for all that wait for it: none of them may end it for the others. */
  #fetched(signal: AbortSignal): Promise<Token> {
    this.#token ??= this.#fetch(new AbortController().signal).catch((error) => {
      this.#token = undefined;
      this.#password.forget();
      throw error;
    });
    return unlessAborted(this.#token, signal);
  }

  async #fetch(signal: AbortSignal): Promise<Token> {
    const password = (await this.#password.read()) ?? '';
    const call = {
      method: 'POST',
      path: this.#path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username: this.#user, password }).toString(),
      signal,
    } as const;
    const sinceMs = performance.now();
    const answer = await this.#ask(call);
    const { accessToken, tokenTtl } = parseLogin(answer);
    if (typeof accessToken === 'string' && /^[\x21-\x7e]+$/.test(accessToken)) {
      const ttlMs = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl * 1_000 : 0;
      return { text: accessToken, sinceMs, untilMs: sinceMs + ttlMs * renewAfterPart };
    }
    throw this.#failureOf(answer, nameOf(call));
  }

  /** Nacos 2 answers a wrong password with a status that no HTTP has (-1). */
  async #ask(call: HttpCall): Promise<HttpAnswer> {
    try {
      return await this.#http.ask(call);
    } catch (failure) {
      if (failure instanceof HttpFailure && isOfHttp(failure.cause))
        failure.message += `; Nacos 2 answers so where user "${this.#user}" is not let in (see user)`;
      throw failure;
    }
  }

  /** Others call it an error of their own. */
  #failureOf({ status, text, endpoint }: HttpAnswer, call: string): HttpFailure {
    const asked = { what: 'nacos', endpoint, call };
    if (![401, 403, 500].includes(status)) return HttpFailure.ofStatus(asked, status, text);
    const because = `HTTP ${status}: user "${this.#user}" is not let in (see user)`;
    return new HttpFailure(asked, { kind: 'refused', status, because });
  }
}

function parseLogin({ status, text }: HttpAnswer): Readonly<Record<string, unknown>> {
  if (status !== 200) return {};
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
}
