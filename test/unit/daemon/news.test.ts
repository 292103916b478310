import { expect, test } from 'vitest';
import { firstOf, mostTold, News } from '../../../lib/daemon/news.ts';

const texts = (count: number, of = 'text') => Array.from({ length: count }, (_, at) => `${of} ${at}`);

test('each text is told when it comes, and again when it has been away', () => {
  const news = new News();

  expect(news.take(['a', 'b'])).toEqual(['a', 'b']);
  expect(news.take(['b', 'c'])).toEqual(['c']);
  expect(news.take(['a'])).toEqual(['a']);
});

test('of many that come at once the first are told, and how many more there are', () => {
  expect(new News().take(texts(50))).toEqual([...texts(mostTold), 'and 30 more']);
});

test('of many that come one by one no more are told', () => {
  const news = new News();

  const told = texts(1_000).flatMap((_, at, all) => news.take(all.slice(0, at + 1)));

  expect(told).toEqual([...texts(mostTold), 'and 1 more']);
});

test('a hundred thousand texts are compared with as many within a second', () => {
  const news = new News();
  news.take(texts(100_000));
  const begin = performance.now();

  news.take(texts(100_000, 'other'));

  expect(performance.now() - begin).toBeLessThan(1_000);
});

test('a list is as long as is told, and one more', () => {
  expect(firstOf(texts(mostTold))).toEqual(texts(mostTold));
  expect(firstOf(texts(50))).toEqual([...texts(mostTold), 'and 30 more']);
});
