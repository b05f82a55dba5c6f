import type { Admin, ITopicMetadata } from 'kafkajs';
import { counted } from '../../counted.js';
import {
  type Channel,
  channels,
  type Finding,
  type ReadChannel,
  type Readers,
  readers,
} from '../../ports.js';
import { kafkaError } from './errors.js';
import { misfitsOf, readTopicConfig } from './fitness.js';
import { type Marks, readMarks } from './marks.js';
import { groupOf, type KafkaOptions, topicOf } from './options.js';

/**
 * Looks at brokers, topics and groups. Creates and changes nothing.
 *
 * @param analysers whether the fleet is to have some: where not, only what is there of them is looked at
 */
export async function checkKafka(
  admin: Admin,
  options: KafkaOptions,
  analysers: boolean,
): Promise<readonly Finding[]> {
  const findings = await looked(`kafka ${options.brokers.join(', ')}`, () => checkCluster(admin));
  const topics = await topicsOf(admin);
  if (topics === null) return findings;
  for (const channel of channels) findings.push(...(await checkTopic(admin, options, channel, topics)));
  for (const channel of ['interactions', 'commands'] as const)
    if (topics.has(topicOf(options.topics, channel)))
      findings.push(...(await checkGroup(admin, options, channel, 'processors')));
  const there = await groupsOf(admin);
  for (const channel of readers.analysers)
    if (
      there.has(groupOf(options, channel, 'analysers')) ||
      (analysers && topics.has(topicOf(options.topics, channel)))
    )
      findings.push(...(await checkGroup(admin, options, channel, 'analysers')));
  return findings;
}

/** What a look found, or why it was not to be had. */
async function looked(
  what: string,
  look: () => Promise<readonly Omit<Finding, 'what'>[]>,
): Promise<Finding[]> {
  try {
    return (await look()).map((finding) => ({ what, ...finding }));
  } catch (cause) {
    const { message } = kafkaError('it cannot be looked at', cause);
    const [detail, ...mend] = message.split('; ');
    return [{ what, status: 'bad', detail: detail ?? message, mend: mend.join('; ') }];
  }
}

async function checkCluster(admin: Admin) {
  const { brokers, clusterId } = await admin.describeCluster();
  const names = brokers.map(({ host, port }) => `${host}:${port}`).join(', ');
  return [ok(`cluster ${clusterId} of ${counted(brokers.length, 'broker')}: ${names}`)];
}

/** Null when they cannot be had: then the brokers were found bad already. */
async function topicsOf(admin: Admin): Promise<ReadonlyMap<string, ITopicMetadata> | null> {
  try {
    const { topics } = await admin.fetchTopicMetadata();
    return new Map(topics.map((topic) => [topic.name, topic]));
  } catch {
    return null;
  }
}

/** None when they cannot be had. */
async function groupsOf(admin: Admin): Promise<ReadonlySet<string>> {
  const listed = await admin.listGroups().catch(() => ({ groups: [] }));
  return new Set(listed.groups.map(({ groupId }) => groupId));
}

function checkTopic(
  admin: Admin,
  options: KafkaOptions,
  channel: Channel,
  topics: ReadonlyMap<string, ITopicMetadata>,
): Promise<Finding[]> {
  const topic = topicOf(options.topics, channel);
  return looked(`kafka topic ${topic}`, async () => {
    const metadata = topics.get(topic);
    if (metadata === undefined)
      return [
        {
          status: 'warning',
          detail: 'it is not there, or may not be seen',
          mend: 'nothing, if the user may create it: it is created when it is first needed',
        },
      ];
    const leaderless = metadata.partitions.filter(({ leader }) => leader < 0).length;
    if (leaderless > 0)
      return [
        {
          status: 'bad',
          detail: `${counted(leaderless, 'partition')} without a leader`,
          mend: 'bring its brokers back',
        },
      ];
    const config = await readTopicConfig(admin, topic);
    const misfits = misfitsOf(options, channel, config);
    if (misfits.length > 0) return misfits;
    const settings = ['cleanup.policy', 'retention.ms', 'message.timestamp.type', 'min.compaction.lag.ms'];
    const said = settings.map((name) => `${name}=${config.get(name) ?? '?'}`).join(', ');
    return [ok(`${counted(metadata.partitions.length, 'partition')}, ${said}`)];
  });
}

function checkGroup(
  admin: Admin,
  options: KafkaOptions,
  channel: ReadChannel,
  by: Readers,
): Promise<Finding[]> {
  const groupId = groupOf(options, channel, by);
  return looked(`kafka group ${groupId}`, async () => {
    const { groups } = await admin.describeGroups([groupId]);
    const marks = await readMarks(admin, topicOf(options.topics, channel), groupId);
    const members = groups[0]?.members.length ?? 0;
    const state = groups[0]?.state ?? 'Unknown';
    const lost = misplaced(marks);
    return lost.length > 0
      ? lost
      : [ok(`${state}, ${counted(members, 'member')}, ${counted(lagOf(marks), 'message')} behind`)];
  });
}

function lagOf(marks: Marks): number {
  let lag = 0;
  for (const { low, high, committed } of marks.values()) lag += high - (committed ?? low);
  return lag;
}

/** Groups that stand where their topic has nothing. */
function misplaced(marks: Marks): Omit<Finding, 'what'>[] {
  const findings: Omit<Finding, 'what'>[] = [];
  for (const [partition, { low, high, committed }] of marks) {
    if (committed === null) continue;
    if (committed < low)
      findings.push({
        status: 'bad',
        detail: `retention took offsets ${committed} to ${low - 1} of partition ${partition} before they were read`,
        mend: 'run more processors or raise retention.ms of the topic',
      });
    if (committed > high)
      findings.push({
        status: 'bad',
        detail: `it has read partition ${partition} up to offset ${committed}, and the topic ends at ${high}`,
        mend: 'if the topic was deleted and created anew, raise kafka.epoch',
      });
  }
  return findings;
}

function ok(detail: string): Omit<Finding, 'what'> {
  return { status: 'ok', detail, mend: '' };
}
