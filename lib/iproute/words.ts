/**
 * A line of a script for `-batch`. The last guard before it: a word that would be cut, quoted or taken for a comment is a
 * bug of ours.
 */
export function joinWords(program: 'ip' | 'bridge' | 'tc', words: readonly string[]): string {
  const bad = words.find((word) => !/^[\x21-\x7e]+$/.test(word) || /["'#\\]/.test(word));
  if (bad === undefined) return words.join(' ');
  throw new Error(`not a word that ${program} -batch can take: ${JSON.stringify(bad)}`);
}
