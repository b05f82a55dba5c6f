import { describe, expect, it } from 'vitest';
import { mostProgramLength, programOf } from '../../../src/rlm/navigate/program-of.js';

describe('the program in an answer', () => {
  it.each([
    ['a fenced block', '```js\nhandles();\n```'],
    ['one with words around it', 'I look first.\n\n```javascript\nhandles();\n```\nThat is all.'],
    ['one without a language', '```\nhandles();\n```'],
    ['the last of several', '```js\nfirst();\n```\nBetter:\n```js\nhandles();\n```'],
    ['one beside blocks of other languages', '```js\nhandles();\n```\n```json\n{}\n```'],
    ['one with the line ends of another system', '```js\r\nhandles();\r\n```\r\n'],
  ])('is %s', (_, answer) => {
    expect(programOf(answer)).toEqual({ kind: 'program', program: 'handles();\n' });
  });

  it.each([
    ['prose', "I'm sorry, I can't help with that.", 'prose'],
    ['nothing', '', 'prose'],
    ['a block that was cut off', '```js\nhandles(', 'no whole block'],
    ['an empty block', '```js\n\n```', 'no whole block'],
    ['another language', '```python\nprint(1)\n```', 'no whole block'],
    ['a block that is too long', `\`\`\`js\n${'x'.repeat(mostProgramLength + 1)}\n\`\`\``, 'is the most'],
  ])('is none in %s', (_, answer, why) => {
    expect(programOf(answer)).toMatchObject({ kind: 'none', why: expect.stringContaining(why) });
  });
});
