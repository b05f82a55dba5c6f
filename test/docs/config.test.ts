import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { configWarnings, loadConfig } from '../../src/config.js';

it('config/example.yaml is a config without warnings whose defaults are the real ones', () => {
  const file = fileURLToPath(new URL('../../config/example.yaml', import.meta.url));
  const { config } = loadConfig(file, {}, {});
  expect(configWarnings(config)).toEqual([]);
  const defaults = loadConfig(null, {}, {}).config;
  expect({ ...config, policies: [], trust: {} }).toEqual({ ...defaults, policies: [], trust: {} });
  expect(config.trust).toEqual({ threshold: 0.3, halfLifeSeconds: 86_400 });
});
