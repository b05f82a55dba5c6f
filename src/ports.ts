/**
 * What the processor and the manager need from the outside, written for them. Adapters stand in `src/store`
 * and `src/streams`; only the composition root knows which is used.
 */

import type { AgentStanding } from './trust/agent-state.js';
import type { Published } from './trust/announce.js';
import type { CommandAction } from './trust/command.js';
import type { TrustOutcome } from './trust/outcome.js';
import type { Policy } from './trust/policy.js';
import type { Pair } from './trust/record.js';
import type { PairNames, TrustState } from './trust/state.js';
import type { Transition } from './trust/transition.js';

/** A value now or later: in-memory adapters answer at once, and their callers need not wait a turn. */
export type Awaitable<T> = T | Promise<T>;

/** Seconds since the epoch, with fractions. */
export type Clock = () => number;

// ---------------------------------------------------------------------------------------------- store

/** Where an event lies in its source: `source` names stream or topic, partition and epoch. */
export interface Position {
  readonly source: string;
  /** A whole number that rises along the source. */
  readonly sequence: number;
}

/** An accepted interaction, ready to be applied. */
export interface InteractionToApply extends PairNames {
  readonly tenant: string;
  readonly outcome: TrustOutcome;
  /** Seconds since the epoch. */
  readonly time: number;
  /** In (0, 100]. */
  readonly weight: number;
  readonly eventId: string;
  /** An event of the same pair with the same key counts once, wherever it lies; null: it has no id of its own. */
  readonly duplicateKey: string | null;
  /** An event of the same position counts once; null: it comes from no log. */
  readonly position: Position | null;
  /** Index into the batch's policies. */
  readonly policy: number;
  /** W3C trace context of the event, passed on to what it causes. */
  readonly traceparent: string | null;
  /** Number of the transition that half-opened the circuit under which the call ran, if its sender says so. */
  readonly probe?: number | undefined;
}

/** Rules of a store that do not depend on the pair. */
export interface StoreRules {
  /** What was due by an event's time is made before it, and due times are kept for the sweep. */
  readonly timedRecovery: boolean;
  /**
   * true: the events come from a log. Transitions go to the outbox, what a reset and a terminate said is kept
   * against what the log may deliver again, and pairs that tell nothing any more expire.
   */
  readonly streamed: boolean;
  /**
   * false: what the events did to circuits was told when they were applied before. Transitions are made and stored, and
   * nothing goes to the outbox; the pair keeps the number of the last one that did. @defaultValue true
   */
  readonly publishes?: boolean;
}

/** Events that are applied in one step, and the policies that they are under. */
export interface ApplyBatch {
  readonly events: readonly InteractionToApply[];
  readonly policies: readonly Policy[];
  readonly rules: StoreRules;
  /** The applying process's clock, whole ms since the epoch. */
  readonly nowMs: number;
  /** false: nobody looks at the states in the results, and a store may leave them out. @defaultValue true */
  readonly states?: boolean;
}

/** Why a store does not take an event; the event becomes a dead letter and is not marked as applied. */
export type StoreRejection = 'pair_id_collision' | 'state_unreadable';

/** What became of one event of a batch. */
export type ApplyResult =
  | {
      readonly kind: 'applied';
      /** Null only where nobody wanted it. */
      readonly state: TrustState | null;
      readonly transitions: readonly Transition[];
    }
  /** The position was applied before: a redelivery. */
  | { readonly kind: 'repeat' }
  /** The producer sent this event before, at another position. */
  | { readonly kind: 'duplicate' }
  /** Not after the pair's last reset. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'rejected'; readonly reason: StoreRejection; readonly detail: string }
  /**
   * The store could not do it just now, though it could do others of the batch; the event is as it was, and is to be
   * applied again. So are all events of its pair that came after it in the batch.
   */
  | { readonly kind: 'failed'; readonly error: Error };

/** An accepted command of an operator. */
export interface CommandToApply extends PairNames {
  readonly tenant: string;
  readonly action: CommandAction;
  /** The command's own time, seconds since the epoch. */
  readonly time: number;
  readonly actor: string;
  readonly reason: string;
  /** A reset takes effect no earlier than this, seconds since the epoch; its own time orders it all the same. */
  readonly takesEffectAt?: number;
  readonly eventId: string;
  readonly policy: Policy;
  readonly rules: StoreRules;
  readonly nowMs: number;
  readonly traceparent: string | null;
}

/** What became of a command. */
export type CommandResult =
  | {
      readonly kind: 'applied';
      readonly before: TrustState | null;
      readonly state: TrustState | null;
      readonly transitions: readonly Transition[];
    }
  | { readonly kind: 'rejected'; readonly reason: StoreRejection; readonly detail: string };

/** Which circuits that recover by time are to be moved. */
export interface DueRequest {
  /** Make what is due by this time, seconds since the epoch. */
  readonly until: number;
  /** At most this many pairs in one call. */
  readonly limit: number;
  /** The policy of each pair that is due. */
  readonly policyOf: (tenant: string, agentA: string, agentB: string) => Policy;
  readonly nowMs: number;
  /** As {@link StoreRules.publishes}. @defaultValue true */
  readonly publishes?: boolean;
}

/** One pair whose circuit is to be compared with what was published last of it. */
export interface AnnounceRequest extends PairNames {
  readonly tenant: string;
  readonly published: Published;
  readonly policy: Policy;
  /** Forecasts are told where circuits recover by time. */
  readonly timedRecovery: boolean;
  readonly nowMs: number;
}

/** Whether a circuit had to be told of again. */
export type AnnounceResult =
  | { readonly kind: 'announced'; readonly transition: Transition }
  | { readonly kind: 'agreed' }
  | Extract<CommandResult, { readonly kind: 'rejected' }>;

/** A transition that is stored and not yet published. */
export interface OutboxEntry {
  /** Rises in the order of the transitions. */
  readonly id: string;
  readonly tenant: string;
  readonly transition: Transition;
  readonly traceparent: string | null;
}

/** Transitions that are stored and not yet published. */
export interface Outbox {
  /** The oldest entries that are this process's to publish, in order. */
  read(limit: number): Awaitable<readonly OutboxEntry[]>;
  /** Removes what was read, once the broker has it. Answers which entries were gone already. */
  remove(entries: readonly OutboxEntry[]): Awaitable<readonly OutboxEntry[]>;
}

/** The outbox of a store in this process, which answers at once. */
export interface LocalOutbox extends Outbox {
  read(limit: number): readonly OutboxEntry[];
  remove(entries: readonly OutboxEntry[]): readonly OutboxEntry[];
}

/** How far one source has been read. */
export interface SourceMark {
  readonly source: string;
  /** All positions up to this one are acknowledged. */
  readonly acknowledged: number;
  /** Up to what time of its events it has been read, seconds since the epoch; absent: it is not known. */
  readonly readTo?: number;
}

/** What a shared store may have lost of its last writes: its server was restarted, or another one took its place. */
export interface LostTail {
  /** By source the last position that is surely in the store; of a source that is absent nothing is. */
  readonly from: ReadonlyMap<string, number>;
  /** What was written before is there, whatever it is, seconds since the epoch; 0: nothing need be. */
  readonly since: number;
  /** Nothing was lost, but the state was made anew from the logs: what came later may have been applied elsewhere alone. */
  readonly rebuilt?: true;
}

/**
 * Trust state, shared and atomic. Every call is one atomic step in each place that the state lies in: there it happens
 * whole or not at all. A store that throws has lost nothing; its caller tries again, and what was done is not done
 * twice.
 */
export interface TrustStore {
  /**
   * Says whether pairs can be kept under a policy; absent: under any.
   *
   * @throws FulcrumError `usage` when they cannot, with the knob and why
   */
  checkPolicy?(policy: Policy): void;
  /**
   * Applies a batch in its order and gives a result an event, in the same order. Where a store lies in several places
   * and not all of them answer, what lies in the others `failed`; it throws when none of the batch could be done.
   */
  apply(batch: ApplyBatch): Awaitable<readonly ApplyResult[]>;
  /** Does what an operator says of a pair; the same command again changes nothing. */
  command(command: CommandToApply): Awaitable<CommandResult>;
  /** What is known of a pair, or null. @throws FulcrumError `state_unreadable` */
  read(tenant: string, pairId: string): Awaitable<Pair | null>;
  /** Makes transitions that are due; returns how many pairs it looked at: `limit` means there may be more. */
  due(request: DueRequest): Awaitable<number>;
  /**
   * Where a pair's circuit is not the one that was published last: puts a transition from that one into the outbox. Where
   * they agree, the pair's next transition follows on the published one.
   */
  announce(request: AnnounceRequest): Awaitable<AnnounceResult>;
  /** Pairs whose circuit is not CLOSED. */
  circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }>;
  readonly outbox: Outbox;
  /**
   * Remembers how far sources are acknowledged; what lies `replaySpan` below is no longer told apart. Null: it is
   * written. Else nothing is, until what may be lost is applied again and the store was told so, see
   * {@link SharedStore.adopt}; a store in this process loses nothing.
   *
   * @throws FulcrumError `mismatch` when the store was emptied: it holds no mark, though events were acknowledged
   */
  mark(marks: readonly SourceMark[]): Awaitable<LostTail | null>;
  /** Finishes what is under way and lets go of what it holds; the store cannot be used afterwards. */
  close(): Awaitable<void>;
}

/** A store that other processes use at the same time. What any of them leaves in the outbox is everybody's to publish. */
export interface SharedStore extends TrustStore {
  /** Says that a processor works on this state: managers in other processes follow its rules from now on. */
  register(timedRecovery: boolean): Promise<void>;
  /** What was last marked of every source, by all processes. */
  marks(): Promise<readonly SourceMark[]>;
  /**
   * Says that what was lost is applied again: from now on marks are written.
   *
   * @param tail as `mark` answered it
   * @returns false when the server changed once more meanwhile: mark, to learn what is lost now
   */
  adopt(tail: LostTail): Promise<boolean>;
}

/** Where a state is made anew. Nobody else works there until it is handed over. */
export interface RebuiltPlace {
  /** From when an earlier rebuild that did not end had interactions, seconds since the epoch; null: from the first. */
  readonly from: number | null;
  /** Keeps that for a later rebuild. */
  setFrom(from: number): Promise<void>;
  /** Says that this process is still at it; false: another one is. */
  hold(): Promise<boolean>;
  /** From now on processors may work there. */
  handOver(): Promise<void>;
}

export function isShared(store: TrustStore): store is SharedStore {
  return 'marks' in store;
}

// -------------------------------------------------------------------------------------------- streams

/** Header names in lower case; the last of several values. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** A message as a source delivers it, before it is known to be an event. */
export interface SourceMessage {
  readonly body: Uint8Array;
  /** Of the whole body, where the source kept only its beginning. */
  readonly original?: { readonly bytes: number; readonly sha256: string };
  readonly headers: MessageHeaders;
  /** Tenant that the subject names; null where subjects name none. */
  readonly tenant: string | null;
  readonly position: Position;
  /** When the broker took it, seconds since the epoch; null where nothing but the event says when. */
  readonly receivedAt: number | null;
  /** The source could not make an event of what it read; the body is what it read. */
  readonly malformed?: Rejection;
  /**
   * There is somebody to tell what came of it, so a refused message does not become a dead letter. Called
   * once, after the store has it (or will not take it).
   */
  readonly settle?: (settlement: Settlement) => void;
}

/** A message for a stream inside this process. */
export type MessageToSend = Pick<SourceMessage, 'body' | 'headers' | 'settle'>;

/** What the sender of a message is told of it. */
export type Settlement =
  | { readonly kind: 'accepted'; readonly changed: boolean; readonly transitions: readonly Transition[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Why an event is refused. */
export interface Rejection {
  readonly reason: DeadLetterReason;
  /** The field at fault, e.g. `data.agent_a`; empty when it is the whole event. */
  readonly field: string;
  /** The rule that it breaks. */
  readonly rule: string;
}

/** The closed list of reasons for a dead letter. */
export const deadLetterReasons = [
  'invalid_json',
  'invalid_event',
  'too_large',
  'time_in_future',
  'tenant_mismatch',
  'pair_id_collision',
  'state_unreadable',
  'unsupported_type',
] as const;

export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** Messages that were read together. */
export interface SourceBatch {
  /** May be empty: nothing came within the wait. */
  readonly messages: readonly SourceMessage[];
  /**
   * Tells the source that all of the batch is done with, or these messages of it; may be called again for others of
   * it.
   */
  ack(done?: readonly SourceMessage[]): Awaitable<void>;
}

/** How far one log of a source has been read, by all of its readers together. */
export interface SourceProgress {
  /** As positions name it. */
  readonly source: string;
  /** All positions up to this one are acknowledged. */
  readonly acknowledged: number;
  /** The highest position that the log holds, or held before it was emptied. */
  readonly last: number;
  /** The first message after `acknowledged`, null when there is none. */
  readonly next: SourceMessage | null;
}

/** Where the processors of a log stand together, seen from outside. */
export interface SourceStanding extends Pick<SourceProgress, 'source' | 'acknowledged' | 'last'> {
  /**
   * The highest position that any of them was handed, where the broker knows it, else `acknowledged`: what lies beyond
   * it was acknowledged by nobody.
   */
  readonly delivered: number;
}

/** Where events come from. A batch that is not acknowledged is delivered again. */
export interface EventSource {
  /** What the source is called in logs and errors, e.g. `nats:FULCRUM_INTERACTIONS`. */
  readonly name: string;
  /** What kind of thing it is, as dead letters say it: `nats`, `kafka`, `memory`, `file`. */
  readonly system: string;
  /** Which header prefix its CloudEvents binding uses. */
  readonly headerPrefix: 'ce-' | 'ce_';
  /**
   * The next messages, or null when the source has ended or is closed. Who reads one at a time has no further one kept for
   * it, where the broker gives each message to any of its readers.
   *
   * @throws FulcrumError `unavailable` while the server is away; reading goes on with the next call
   */
  read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null>;
  /** Ends reading: the read under way and all later ones answer null. */
  close(): Awaitable<void>;
}

/** A source that can say how far it has been read, by all of its readers. */
export interface LogSource extends EventSource {
  /** Every log that the source is made of, as positions name them, whoever reads it: one, or one a partition. */
  logs(): readonly string[];
  /** How far the logs have been read that this reader can speak for just now; the others are left out. */
  progress(): Awaitable<readonly SourceProgress[]>;
}

export function isLog(source: EventSource): source is LogSource {
  return 'progress' in source;
}

/** What a stream is for. */
export const channels = ['interactions', 'commands', 'circuits', 'dead-letters', 'analyses'] as const;

export type Channel = (typeof channels)[number];

/** Who reads a channel together: processors keep trust, analysers say why it went. Each kind reads all of it. */
export const readers = {
  processors: ['interactions', 'commands'],
  analysers: ['interactions', 'circuits', 'analyses'],
} as const satisfies Record<string, readonly Channel[]>;

/** A kind of reader. */
export type Readers = keyof typeof readers;

/** What some of them read. */
export type ReadChannel<R extends Readers = Readers> = (typeof readers)[R][number];

/** One outgoing event. */
export interface SinkMessage {
  readonly channel: Channel;
  /** A message published again keeps its id. */
  readonly id: string;
  readonly tenant: string;
  /** What is kept in order: the pair id, or the reason of a dead letter. */
  readonly key: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** Not to be taken for a repeat of the message that has the same id. */
  readonly again?: true;
  /**
   * What goes in its place where the broker takes no more than so many bytes, headers and all; absent: nothing does.
   */
  readonly cutTo?: (maxBytes: number) => SinkMessage;
}

/** Where events go. */
export interface EventSink {
  /** Resolves when all of them are safe with the broker; on an error any of them may be published again. */
  publish(messages: readonly SinkMessage[]): Awaitable<void>;
}

/**
 * Where a log is followed from: all that is kept; at least the last of each key, and what comes from now on; what comes
 * from now on; what the broker took at a time, seconds since
 * the epoch, or later; or what lies after the position that a map gives for a log, as positions name it, where a log
 * that is not in the map begins at its start.
 */
export type FollowFrom = 'start' | 'last' | 'now' | { readonly since: number } | ReadonlyMap<string, number>;

/** A server of streams: NATS JetStream or Kafka. Streams that are absent are created, present ones never altered. */
export interface Broker {
  /** `nats` or `kafka`. */
  readonly system: string;
  readonly sink: EventSink;
  /**
   * Events for any number of processors, or of analysers, together: each goes to one of them, and comes again until it
   * is acknowledged.
   *
   * @param by @defaultValue processors
   * @throws FulcrumError `mismatch` when stream or consumer are not as they have to be
   */
  consume<R extends Readers = 'processors'>(channel: ReadChannel<R>, by?: R): Promise<LogSource>;
  /** Events of a channel for this reader alone, of one tenant or of all. */
  follow(channel: Channel, from: FollowFrom, tenant?: string): Promise<LogSource>;
  /**
   * Makes the stream or topic of a channel when it is absent, before anything is published there: clients that are not
   * ours cannot wait for one that is to come.
   *
   * @throws FulcrumError `mismatch` when the one that is there is not as it has to be, `denied`, `unavailable`
   */
  prepare(channel: Channel): Promise<void>;
  /**
   * How far the processors, or the analysers, have acknowledged each log of a channel, for one who is none of them; empty
   * when there never was one.
   *
   * @param by @defaultValue processors
   * @throws FulcrumError `denied` when this user may not look
   */
  standing<R extends Readers = 'processors'>(
    channel: ReadChannel<R>,
    by?: R,
  ): Promise<readonly SourceStanding[]>;
  /** Who may be the probe of a pair; absent where the broker cannot say. */
  readonly probes?: Probes;
  /**
   * Looks at server, permissions, streams and consumers; creates and changes nothing.
   *
   * @param analysersWrite the channels that analysers write, where the fleet is to have some. @defaultValue null: of them
   *   only what is there is looked at
   */
  check(analysersWrite?: readonly Channel[] | null): Promise<readonly Finding[]>;
  /** Sends what is under way and lets the connection go. */
  close(): Promise<void>;
}

/** One thing that `doctor` looked at. */
export interface Finding {
  /** e.g. `nats stream FULCRUM_INTERACTIONS`. */
  readonly what: string;
  readonly status: 'ok' | 'warning' | 'bad';
  /** What was found. */
  readonly detail: string;
  /** What to do about it; empty when it is ok. */
  readonly mend: string;
}

// ---------------------------------------------------------------------------------------- projections

/** A right that one process has at a time: it lapses when it is not renewed. */
export interface Lease {
  /** How long it holds without a renewal, in ms. */
  readonly lastsMs: number;
  /** Takes or renews it; false: another process has it. */
  hold(): Promise<boolean>;
  /** Lets it go, so that another need not wait until it lapses. */
  release(): Promise<void>;
}

/** A pair that is HALF_OPEN: under this number of its circuit one call may be the probe. */
export interface ProbedPair extends PairNames {
  readonly tenant: string;
  readonly transition: number;
}

/** Says which call of a whole fleet is the probe of a pair. */
export interface Probes {
  /**
   * The right to be it, taken when it is held; of several with one holder each can renew it and let it go. It is fenced
   * by the number: who holds one of an earlier number keeps nobody from this one.
   *
   * @param holder the same for one call as long as it runs, and of no other
   * @param lastsMs how long it holds without a renewal; a place that has one time for all of them takes its own
   */
  lease(pair: ProbedPair, holder: string, lastsMs: number): Lease;
}

/** The two keys of an agent, as they have to read. */
export interface AgentKeyTexts {
  readonly agentId: string;
  readonly state: string;
  readonly score: string;
  /** false: they stay until they are written again. */
  readonly lapses: boolean;
}

/** What stood in an agent's keys instead of what has to; null: nothing. */
export interface AgentKeysFound {
  readonly agentId: string;
  readonly state: string | null;
  readonly score: string | null;
}

/** Where other systems read how agents stand. */
export interface AgentKeys {
  /**
   * Makes keys read as they have to, both of an agent at once, and keeps them from lapsing. Answers what it replaced,
   * or null when the lease is another process's by now: then nothing more is written.
   */
  show(agents: readonly AgentKeyTexts[]): Promise<readonly AgentKeysFound[] | null>;
  /** Removes the keys of agents that still read so; leaves what others wrote. False: the lease is another's by now. */
  withdraw(agents: readonly AgentKeyTexts[]): Promise<boolean>;
}

/** What became of an agent when a circuit of one of its pairs moved. */
export interface AgentEvent extends AgentStanding {
  readonly agentId: string;
  readonly pairId: string;
  /** When it is told, seconds since the epoch. */
  readonly timestamp: number;
}

/** Tells of agents to whoever listens just now; nothing is kept for those who do not. */
export interface AgentTelemetry {
  publish(event: AgentEvent): void;
}
