/** An object of Consul's JSON, field by field; whatever is of another type counts as absent, as Go's decoder has it. */
export class Json {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#fields = isObject(value) ? value : {};
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === 'string' ? value : '';
  }

  number(name: string): number {
    const value = this.#fields[name];
    return typeof value === 'number' ? value : 0;
  }

  boolean(name: string): boolean {
    return this.#fields[name] === true;
  }

  object(name: string): Json {
    return new Json(this.#fields[name]);
  }

  /** Each value of a list, or null. */
  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    return Array.isArray(value) ? value : [];
  }

  entries(): readonly (readonly [string, unknown])[] {
    return Object.entries(this.#fields);
  }

  /** Those pairs whose value is text. */
  texts(name: string): readonly (readonly [string, string])[] {
    return this.object(name)
      .entries()
      .flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : []));
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}
