/**
 * An LMDB data file (format 2, 64-bit) as bytes, read without mapping it. A page has a header of 24 bytes:
 * its flags at 18, twice its number of nodes at 20, then the offset of each node, counted from the header's
 * end. A node has 8 bytes, its flags at 4 and the length of its key at 6, then key and data; in a branch its
 * first six bytes are the number of a page.
 */
import { readSync } from 'node:fs';

const headerBytes = 24;
const nodeBytes = 8;
const branch = 0x01;
const leaf = 0x02;
const fixedSizeLeaf = 0x20;
const dataOnOwnPages = 0x01;
const dataIsTree = 0x02;
/** Where the record of a tree has the number of its root page. */
const rootAt = 40;
/** The root of a tree without pages. */
const noPage = 2 ** 48 - 1;

/** Offsets in a meta page. */
const at = { magic: 24, pageSize: 48, freeTree: 48, mainTree: 96, lastPage: 144, transaction: 152, end: 160 };
const magic = 0xbeefc0de;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly roots: readonly number[];
}

/** The newer of the two meta pages, or null when this is no such file. */
export function readMeta(file: number): Meta | null {
  const first = metaAt(file, 0);
  const second = first && metaAt(file, first.pageSize);
  return second !== null && second.transaction > (first as Meta).transaction ? second : first;
}

function metaAt(file: number, position: number): Meta | null {
  const page = Buffer.alloc(at.end);
  if (readSync(file, page, 0, at.end, position) < at.end || page.readUInt32LE(at.magic) !== magic)
    return null;
  return {
    pageSize: page.readUInt32LE(at.pageSize),
    lastPage: page.readUIntLE(at.lastPage, 6),
    transaction: page.readUIntLE(at.transaction, 6),
    roots: [at.freeTree, at.mainTree].map((tree) => page.readUIntLE(tree + rootAt, 6)),
  };
}

/**
 * Whether every page in use lies within `size` bytes. The last pages of a whole file may be missing when they
 * are free: LMDB does not write a page that a transaction both took and gave back. So the pages are followed
 * from the roots, but only in a file that does not reach to its last page.
 */
export function isWhole(file: number, size: number, meta: Meta): boolean {
  const pages = Math.floor(size / meta.pageSize);
  if (meta.lastPage < pages) return true;
  const page = Buffer.alloc(meta.pageSize);
  const pending = [...meta.roots];
  for (let looked = 0; pending.length > 0; looked++) {
    const number = pending.pop() as number;
    if (number === noPage) continue;
    if (number >= pages || looked > pages) return false;
    readSync(file, page, 0, meta.pageSize, number * meta.pageSize);
    for (const { first, count, isTree } of referencesOf(page)) {
      if (first !== noPage && first + count > pages) return false;
      if (isTree) pending.push(first);
    }
  }
  return true;
}

interface Reference {
  readonly first: number;
  readonly count: number;
  /** false: pages of one long value. */
  readonly isTree: boolean;
}

function referencesOf(page: Buffer): Reference[] {
  const flags = page.readUInt16LE(18);
  if ((flags & (branch | leaf)) === 0 || (flags & fixedSizeLeaf) !== 0) return [];
  const references: Reference[] = [];
  const nodes = page.readUInt16LE(20) >> 1;
  for (let i = 0; i < nodes; i++) {
    const node = headerBytes + page.readUInt16LE(headerBytes + 2 * i);
    if ((flags & branch) !== 0) {
      references.push({ first: page.readUIntLE(node, 6), count: 1, isTree: true });
      continue;
    }
    const nodeFlags = page.readUInt16LE(node + 4);
    const data = node + nodeBytes + page.readUInt16LE(node + 6);
    if ((nodeFlags & dataIsTree) !== 0)
      references.push({ first: page.readUIntLE(data + rootAt, 6), count: 1, isTree: true });
    else if ((nodeFlags & dataOnOwnPages) !== 0)
      references.push({
        first: page.readUIntLE(data, 6),
        count: page.readUIntLE(data + 16, 6),
        isTree: false,
      });
  }
  return references;
}
