import { MemoryStore } from '../../src/store/memory.js';
import { forcePair } from '../helpers/force.js';
import { describeParity } from './parity.js';

describeParity({ name: 'MemoryStore', open: async () => new MemoryStore(), force: forcePair });
