import { FulcrumError } from '../../errors.js';
import { channels } from '../../ports.js';
import type { NatsOptions } from './options.js';
import { foreignSubjects, placeOf } from './places.js';
import { overlaps } from './subjects.js';

/** @throws FulcrumError `config` naming the option, its value and the rule. */
export function checkOptions(options: NatsOptions): void {
  const refuse = (option: string, value: string, rule: string): never => {
    throw new FulcrumError('config', `nats.${option} ${JSON.stringify(value)}: ${rule}`);
  };
  if (options.servers.length === 0) refuse('servers', '', 'must name at least one server');
  const { subjectPrefix, durable, analyserDurable } = options;
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subjectPrefix))
    refuse('subjectPrefix', subjectPrefix, 'must be tokens with dots between them, without * and >');
  const names = [
    ['durable', durable],
    ['analyserDurable', analyserDurable],
    ...Object.entries(options.streams).map(([k, v]) => [`streams.${k}`, v]),
  ];
  for (const [option, name] of names as [string, string][])
    if (!/^[^\s.*>/\\]+$/.test(name)) refuse(option, name, 'must have no space, dot, *, >, / or \\');
  for (const channel of channels) {
    const { subjects } = placeOf(options, channel);
    const foreign = foreignSubjects.find((subject) => overlaps(subject, subjects));
    if (foreign !== undefined)
      refuse('subjectPrefix', subjectPrefix, `its subjects ${subjects} must not meet ${foreign}`);
  }
}
