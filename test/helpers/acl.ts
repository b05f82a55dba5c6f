import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const text = readFileSync(new URL('../../docs/servers.md', import.meta.url), 'utf8');

/** Users whose rules docs/servers.md gives: of the trust state, and of transcripts. */
export type DocumentedUser = 'fulcrum' | 'transcripts';

/** The words after `ACL SETUSER` that docs/servers.md gives for a user, with a password of the test's. */
export function documentedRule(password: string, user: DocumentedUser = 'fulcrum'): string[] {
  const rule = new RegExp(`^ACL SETUSER (${user} .*)$`, 'm').exec(text)?.[1];
  if (rule === undefined) throw new Error(`docs/servers.md gives no ACL rule of ${user}`);
  return rule.replace('PASSWORD', password).split(' ');
}

/** The same for a cluster. */
export function clusterRule(password: string, user: DocumentedUser = 'fulcrum'): string[] {
  return [...documentedRule(password, user), ...besides('a Redis Cluster')];
}

/** What the table of the docs adds to the rule. */
export function besides(where: string): string[] {
  const row = text.split('\n').find((line) => line.startsWith(`| ${where}`));
  return row?.replaceAll('\\', '').match(/[+~][a-z|:*]+/g) ?? [];
}

/** Makes or changes a user of a server. */
export async function setUser(url: string, rule: readonly string[]): Promise<void> {
  const admin = new Redis(url);
  try {
    await admin.call('ACL', 'SETUSER', ...rule);
  } finally {
    admin.disconnect();
  }
}
