/** Subjects and their patterns: `*` is any one token, `>` is one or more tokens to the end. */

/** Whether every subject of `inner` is one of `outer`. */
export function covers(outer: string, inner: string): boolean {
  const outers = outer.split('.');
  const inners = inner.split('.');
  for (const [i, token] of outers.entries()) {
    const other = inners[i];
    if (other === undefined) return false;
    if (token === '>') return true;
    if (other === '>' || (token !== '*' && token !== other)) return false;
  }
  return outers.length === inners.length;
}

/** Whether there is a subject that is one of both. */
export function overlaps(a: string, b: string): boolean {
  const [as, bs] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(as.length, bs.length); i++) {
    const [left, right] = [as[i], bs[i]];
    if (left === undefined || right === undefined) return false;
    if (left === '>' || right === '>') return true;
    if (left !== '*' && right !== '*' && left !== right) return false;
  }
  return true;
}

/** Text as one token: what a token cannot hold is percent-encoded. */
export function token(text: string): string {
  const encoded = text
    .toWellFormed()
    .replace(/[\s\p{Cc}.*>%]/gu, (character) =>
      Buffer.from(character).reduce(
        (hex, byte) => `${hex}%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
        '',
      ),
    );
  return encoded === '' ? '%' : encoded;
}

/** The tenant of a subject that begins with `root`; where it begins otherwise nothing, which is no tenant's name. */
export function tenantOf(subject: string, root: string): string {
  if (!subject.startsWith(root)) return '';
  const end = subject.indexOf('.', root.length);
  return subject.slice(root.length, end < 0 ? undefined : end);
}
