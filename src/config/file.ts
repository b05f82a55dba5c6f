/** A config file as it is written: its values, and the line of each. */
import { readFileSync } from 'node:fs';
import { isMap, isPair, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { FulcrumError, messageOf } from '../errors.js';
import { fileSuggestion } from '../nearest.js';

export interface ConfigFile {
  readonly layer: unknown;
  /** The line of what stands at a path, counted from 1; of the nearest thing round it when nothing does. */
  lineOf(path: readonly (string | number)[]): number | null;
}

/** @throws FulcrumError `config` when it cannot be read, or is neither YAML nor JSON */
export function readConfigFile(path: string): ConfigFile {
  const text = readText(path);
  const lines = new LineCounter();
  // JSON is YAML, so one parser reads both and names the line.
  const document = parseDocument(text, { prettyErrors: true, lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined)
    throw new FulcrumError('config', `config file ${path}: ${error.message}`, { cause: error });
  try {
    const layer: unknown = document.toJS() ?? {};
    return {
      layer,
      lineOf: (keys) => {
        const offset = offsetOf(document.contents, keys);
        return offset === null ? null : lines.linePos(offset).line;
      },
    };
  } catch (cause) {
    throw new FulcrumError('config', `config file ${path}: ${messageOf(cause)}`, { cause });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = `${messageOf(cause)}${fileSuggestion(path)}`;
    throw new FulcrumError('config', `config file ${path} cannot be read: ${why}`, { cause });
  }
}

/** Where in the text the key of the last step that is there begins. */
function offsetOf(contents: ParsedNode | null, keys: readonly (string | number)[]): number | null {
  let node: unknown = contents;
  let offset: number | null = contents?.range[0] ?? null;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (!isPair(pair) || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)] as ParsedNode | undefined;
      if (item === undefined) return offset;
      offset = item.range[0];
      node = item;
    } else return offset;
  }
  return offset;
}
