/** So many texts of a topic are told at a time: whoever may write to etcd decides how many there are. */
export const mostTold = 20;

/** Which of the texts of a topic have not been told yet. */
export class News {
  #known: ReadonlySet<string> = new Set();

  /**
   * Takes all that there is now.
   * @returns what of it is to be logged, a line each
   */
  take(texts: readonly string[]): readonly string[] {
    const [before, found] = [this.#known, new Set(texts)];
    this.#known = found;
    const news = [...found].filter((text) => !before.has(text));
    const told = news.slice(0, Math.max(0, mostTold - (found.size - news.length)));
    const isMoreSaid = before.size > mostTold || told.length === news.length;
    return isMoreSaid ? told : [...told, `and ${news.length - told.length} more`];
  }
}

/** The first texts of a topic, and how many more there are. */
export function firstOf(texts: readonly string[]): readonly string[] {
  return texts.length <= mostTold
    ? texts
    : [...texts.slice(0, mostTold), `and ${texts.length - mostTold} more`];
}
