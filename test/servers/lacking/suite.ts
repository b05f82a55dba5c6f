import { describe, expect, test } from 'vitest';
import { describeWithServer } from '../describe.js';

describeWithServer('kafka', 'what needs Kafka', () => {
  describe('all of it', () => {
    test('is not run without Kafka', () => {
      throw new Error('there is no Kafka here');
    });
  });
});

test('what needs no server', () => {
  expect(true).toBe(true);
});
