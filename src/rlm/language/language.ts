/**
 * What the detectors have to know of a language: tables, so that another language is other files of this shape. Words
 * stand with spaces between, phrases with commas; lower case, apostrophes left out.
 */
export interface Language {
  /** Words that carry no content by themselves. */
  readonly stopWords: string;
  /** The number after one of these counts repeats, and is nothing new: `attempt 3`. */
  readonly counterWords: string;
  /** The number before one of these is a time that passed, and is nothing new: `after 30 seconds`. */
  readonly durationUnits: string;
  readonly themes: Readonly<Record<Theme, ThemeWords>>;
  /** Phrases: something takes its time, and is not there yet. */
  readonly waiting: string;
  /** What was waited for is there. */
  readonly done: string;
  /** Somebody looks how things stand. */
  readonly looking: string;
  /** Somebody asks another to go on. */
  readonly prompting: string;
}

/** What a loop can be about. */
export const themes = ['gratitude', 'agreement', 'delegation', 'error', 'stalling'] as const;
export type Theme = (typeof themes)[number];

export interface ThemeWords {
  /** Phrases that make a turn one of this theme. */
  readonly triggers: string;
  /** Words that say nothing new in a turn of this theme. */
  readonly beside: string;
}
