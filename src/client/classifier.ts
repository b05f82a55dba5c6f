import { isDeepStrictEqual } from 'node:util';
import { TrustOutcome } from '../trust/outcome.js';

/** Tells what came of a call by what went in and what came out. */
export interface Classifier {
  /**
   * Tells what came of a call.
   *
   * @param prior what the call was given, undefined where nobody said
   * @param output what it answered
   */
  classify(prior: unknown, output: unknown): TrustOutcome;
}

/** Where the rules of {@link OutcomeClassifier} are to differ. */
export interface OutcomeClassifierOptions {
  /** A text that did not change counts as repetition when it has more characters than this. @defaultValue 20 */
  readonly minStringLengthForRepetition?: number;
  /** An answer that has one of these keys failed, whatever its value. @defaultValue error, exception, traceback */
  readonly errorKeys?: readonly string[];
}

const defaultErrorKeys = ['error', 'exception', 'traceback'];

/**
 * The rules of the Python package, in this order:
 *
 * 1. null, undefined, anything that is not an object (an array is none), an object without keys: `failure`;
 * 2. an object with a key `error`, `exception` or `traceback`, whatever its value: `failure`;
 * 3. every key that it shares with what the call was given has the same value as there, and one of these values is a
 *    text of more than 20 characters, or an array or object that is not empty: `partial`, it repeats itself;
 * 4. `success`.
 */
export class OutcomeClassifier implements Classifier {
  private readonly longestShortText: number;
  private readonly errorKeys: readonly string[];

  constructor(options: OutcomeClassifierOptions = {}) {
    this.longestShortText = options.minStringLengthForRepetition ?? 20;
    this.errorKeys = options.errorKeys ?? defaultErrorKeys;
  }

  /** Tells what came of a call, by the rules above. */
  classify(prior: unknown, output: unknown): TrustOutcome {
    if (!isRecord(output) || Object.keys(output).length === 0) return TrustOutcome.FAILURE;
    if (this.errorKeys.some((key) => Object.hasOwn(output, key))) return TrustOutcome.FAILURE;
    return isRecord(prior) && this.repeats(prior, output) ? TrustOutcome.PARTIAL : TrustOutcome.SUCCESS;
  }

  private repeats(prior: Fields, output: Fields): boolean {
    const shared = Object.keys(output).filter((key) => Object.hasOwn(prior, key));
    return (
      shared.some((key) => this.isSubstantive(output[key])) &&
      shared.every((key) => isDeepStrictEqual(output[key], prior[key]))
    );
  }

  /** A number or a short text may well stay the same. */
  private isSubstantive(value: unknown): boolean {
    if (typeof value === 'string')
      return value.length > this.longestShortText && [...value].length > this.longestShortText;
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
