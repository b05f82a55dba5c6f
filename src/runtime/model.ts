import type { Config } from '../config.js';
import { FulcrumError } from '../errors.js';
import { Endpoint } from '../rlm/model/endpoint.js';
import { processGate } from '../rlm/model/gate.js';
import type { Model } from '../rlm/ports.js';

/**
 * The model of a config; null: it names none. All that a process makes share one gate.
 * @throws FulcrumError `config` when it is half named, or cannot be used
 */
export function modelOf({ model }: Pick<Config, 'model'>): Model | null {
  const { url, name, key, callsAtOnce, attempts, ...options } = model;
  if (name === null && url === null) return null;
  if (name === null)
    throw new FulcrumError('config', 'model.name is missing: model.url alone names no model');
  if (url === null)
    throw new FulcrumError(
      'config',
      'model.url is missing: say where the model is, e.g. http://127.0.0.1:11434/v1',
    );
  processGate.concurrency = callsAtOnce;
  return new Endpoint({ url, model: name, key, backoff: { attempts }, ...options });
}
