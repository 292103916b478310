import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { skipUnless } from './skip.ts';

/** ZooKeeper's own of Debian names the jars that it needs, but not enough of Netty, and none that prints a log. */
const jars = [
  'zookeeper',
  'netty-codec',
  'netty-resolver',
  'netty-transport-native-unix-common',
  'slf4j-simple',
].map((name) => `/usr/share/java/${name}.jar`);

/** Skips a test where there is no ZooKeeper. */
export function requireZooKeeper(context: TestContext): void {
  const directories = (process.env.PATH ?? '').split(':');
  const isThere = jars.every(existsSync) && directories.some((each) => existsSync(`${each}/java`));
  skipUnless(
    context,
    isThere,
    'there is no ZooKeeper; it comes with the packages libzookeeper-java and default-jre-headless',
  );
}

/** The arguments with which `java` runs a class of ZooKeeper's: soon there, small, and with little to print. */
export function javaArguments(properties: Readonly<Record<string, string>>, main: string): readonly string[] {
  return [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    // Its file would be left in /tmp by a process that is killed.
    '-XX:-UsePerfData',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...['-cp', jars.join(':'), `org.apache.zookeeper.${main}`],
  ];
}
