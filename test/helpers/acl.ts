import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../docs/servers.md', import.meta.url), 'utf8');

/** The words after `ACL SETUSER` that docs/servers.md gives, with a password of the test's. */
export function documentedRule(password: string): string[] {
  const rule = /^ACL SETUSER (.*)$/m.exec(text)?.[1];
  if (rule === undefined) throw new Error('docs/servers.md gives no ACL rule');
  return rule.replace('PASSWORD', password).split(' ');
}

/** The same for a cluster. */
export function clusterRule(password: string): string[] {
  return [...documentedRule(password), ...besides('a Redis Cluster')];
}

/** What the table of the docs adds to the rule. */
export function besides(where: string): string[] {
  const row = text.split('\n').find((line) => line.startsWith(`| ${where}`));
  return row?.replaceAll('\\', '').match(/[+~][a-z|:*]+/g) ?? [];
}
