/** Text of others in a prompt: marked as data, line by line, so that none of it can pass for words of the prompt. */

/** Everything that some reader takes for the end of a line. */
const lineEnds = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;
const controls = /[\p{Cc}\p{Cf}]/gu;
/**
 * What templates of chat models are made of. A server that puts a prompt into one does not always tell the two apart, so
 * that such a word in a transcript would begin a message of its own.
 */
const templateWords = /<(?=\||\/?s>|(start|end)_of_turn>|<\/?SYS>>|\/?think>)|\[(?=\/?INST\])/gi;

/** One line of data: no ends of lines, control or invisible characters, nor words of templates. */
export function dataLine(text: string): string {
  return text
    .split(lineEnds)
    .join(' ')
    .replaceAll(controls, ' ')
    .replaceAll(templateWords, (sign) => `${sign} `)
    .toWellFormed();
}

/** A block of data, each line of it behind a bar: whatever it says, no line of it can end the block. */
export function dataBlock(name: string, text: string): string {
  const lines = text.split(lineEnds).map((line) => `| ${dataLine(line)}`);
  return [`--- data: ${name} ---`, ...lines, `--- end of data: ${name} ---`].join('\n');
}

/** A text cut to so many characters, and how many were left out. */
export function cut(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text;
  return `${text.slice(0, mostCharacters).toWellFormed()} [${text.length - mostCharacters} characters more]`;
}

/** A text of so many characters at most, with dots where it was cut. */
export function shortened(text: string, mostCharacters: number): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters).toWellFormed()}...` : text;
}

/** A model's words as they stand in a summary: one line, cut, with no quotation marks of their own. */
export function quoted(text: string, mostCharacters: number): string {
  const line = dataLine(text).replace(/\s+/g, ' ').replaceAll('"', "'").trim();
  return `"${shortened(line, mostCharacters)}"`;
}

/** A text whose lines after the first begin with two spaces. */
export function indented(text: string): string {
  return text.split(lineEnds).join('\n  ');
}
