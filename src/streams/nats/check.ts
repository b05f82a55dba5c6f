/** What `doctor` says of a NATS server. It looks, and changes nothing. */
import type { ServerInfo } from 'nats';
import { type Channel, channels, type Finding, readers } from '../../ports.js';
import { checkConsumer, checkStream } from './check-streams.js';
import { found, ok } from './finding.js';
import type { Link } from './link.js';
import { type NatsOptions, optionsOf } from './options.js';
import { analyserRights, checkPermissions, processorRights } from './permissions.js';
import { placeOf } from './places.js';
import { findConsumer } from './streams.js';

const oldest = [2, 9] as const;
/** An event of the largest size that is taken by default, with room for its headers. */
const largestEventBytes = (256 + 64) * 1024;

export async function checkServer(
  link: Link,
  options: NatsOptions,
  analysersWrite: readonly Channel[] | null,
): Promise<readonly Finding[]> {
  const { info } = link.connection;
  if (!link.up || info === undefined) {
    const away = async (): Promise<string> => {
      link.require();
      return link.name;
    };
    return [await found('nats server', 'start it, or check nats.servers', away)];
  }
  const jetStream = await checkJetStream(link);
  const findings = [checkVersion(link, info), checkPayload(info), jetStream];
  findings.push(await checkPermissions(link, processorRights(options)));
  const theirs = optionsOf(options, 'analysers');
  if (analysersWrite !== null)
    findings.push(await checkPermissions(link, analyserRights(theirs, analysersWrite)));
  if (jetStream.status === 'bad') return findings;
  for (const channel of channels) {
    const place = placeOf(options, channel);
    findings.push(await checkStream(link, options, place));
    if (channel === 'interactions' || channel === 'commands')
      findings.push(await checkConsumer(link, options, place));
  }
  return [...findings, ...(await checkAnalysers(link, theirs, analysersWrite !== null))];
}

/** A fleet need not have analysers: then only what is there of them is looked at. */
async function checkAnalysers(link: Link, theirs: NatsOptions, expected: boolean): Promise<Finding[]> {
  const places = readers.analysers.map((channel) => placeOf(theirs, channel));
  if (expected) return Promise.all(places.map((place) => checkConsumer(link, theirs, place)));
  const there = await Promise.all(
    places.map((place) => findConsumer(link, place, theirs.durable).catch(() => null)),
  );
  const begun = places.filter((_, i) => there[i] !== null);
  return Promise.all(begun.map((place) => checkConsumer(link, theirs, place)));
}

function checkVersion(link: Link, { version }: ServerInfo): Finding {
  const what = 'nats server';
  const detail = `nats-server ${version} at ${link.connection.getServer()}`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
  if (!isOld) return ok(what, detail);
  return { what, status: 'bad', detail, mend: `upgrade it to ${oldest.join('.')} or later` };
}

function checkPayload({ max_payload: bytes }: ServerInfo): Finding {
  const what = 'nats max_payload';
  if (bytes >= largestEventBytes) return ok(what, `${bytes} bytes`);
  const detail = `${bytes} bytes: an event may have 256 KiB, and headers`;
  return { what, status: 'warning', detail, mend: `raise max_payload to ${largestEventBytes} or more` };
}

function checkJetStream(link: Link): Promise<Finding> {
  const mend = 'start the server with JetStream (-js) and enable it for the account';
  return found('nats JetStream', mend, async () => {
    const { streams, storage } = await link.ask('look at JetStream', () => link.manager.getAccountInfo());
    return `${streams} streams, ${storage} bytes on disk`;
  });
}
