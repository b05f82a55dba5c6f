/** Characters of a program at most. */
export const mostProgramLength = 16_384;

/** The program in an answer of the root model, or why there is none. */
export type ProgramInAnswer =
  | { readonly kind: 'program'; readonly program: string }
  | { readonly kind: 'none'; readonly why: string };

const block = /^[ \t]*```[ \t]*([\w-]*)[^\n]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;
const languages = ['', 'js', 'javascript', 'mjs', 'ecmascript'];

/** Of several fenced blocks of JavaScript the last: what comes before it is being thought about. */
export function programOf(answer: string): ProgramInAnswer {
  const blocks = [...answer.replaceAll('\r\n', '\n').matchAll(block)];
  const programs = blocks.filter(([, language = '']) => languages.includes(language.toLowerCase()));
  const program = programs.at(-1)?.[2] ?? '';
  if (program.trim() === '')
    return {
      kind: 'none',
      why: /```/.test(answer)
        ? 'its answer has no whole block of JavaScript'
        : 'it answered in prose, without a program',
    };
  if (program.length > mostProgramLength)
    return {
      kind: 'none',
      why: `its program has ${program.length} characters, ${mostProgramLength} is the most`,
    };
  return { kind: 'program', program };
}
