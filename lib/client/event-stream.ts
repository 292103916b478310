/** One event of a stream; `event` is "message" where the stream does not name it. */
export type ServerEvent = { readonly event: string; readonly data: string };

/** Characters of one event at most: a stream that never ends an event must not fill the memory. */
const longestEvent = 64 * 1024 * 1024;

/**
 * Reads server-sent events (HTML Living Standard, section 9.2.6) from pieces of text that may end anywhere.
 */
export class EventStreamParser {
  #parts: string[] = [];
  #length = 0;
  #endedWithCr = false;
  #isFirstLine = true;
  #data: string[] = [];
  #event = '';
  #lastEventId: string | undefined;
  #retryMs: number | undefined;

  /** The id to resume after; undefined until there was one. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** How long to wait before connecting again, where the server has said so. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /**
   * The events that are complete with this piece.
   * @throws Error for an event that is too long
   */
  push(piece: string): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    // A line may end with CR LF, of which this piece has only the LF.
    let start = this.#endedWithCr && piece.startsWith('\n') ? 1 : 0;
    for (const { index, 0: ending } of piece.matchAll(/\r\n|\r|\n/g)) {
      if (index < start) continue;
      const event = this.#endLine(piece.slice(start, index));
      if (event !== undefined) events.push(event);
      start = index + ending.length;
    }
    if (piece !== '') this.#endedWithCr = piece.endsWith('\r');
    this.#keep(piece.slice(start));
    return events;
  }

  #keep(rest: string): void {
    if (rest === '') return;
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length > longestEvent) throw new Error(`an event is longer than ${longestEvent} characters`);
  }

  #endLine(rest: string): ServerEvent | undefined {
    let line = this.#parts.length === 0 ? rest : this.#parts.join('') + rest;
    this.#parts = [];
    if (this.#isFirstLine) line = line.replace(/^\ufeff/, '');
    this.#isFirstLine = false;
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const name = colon === -1 ? line : line.slice(0, colon);
    this.#readField(name, colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, ''));
    return undefined;
  }

  #readField(name: string, value: string): void {
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#lastEventId = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
  }

  /** What has no data is no event, although its id counts. */
  #dispatch(): ServerEvent | undefined {
    const data = this.#data;
    const event = this.#event === '' ? 'message' : this.#event;
    this.#data = [];
    this.#event = '';
    this.#length = 0;
    return data.length === 0 ? undefined : { event, data: data.join('\n') };
  }
}
