// The compiler copies no Lua and no prompts: they go beside what it made of what reads them. Part of the build.
import { cpSync } from 'node:fs';

cpSync('src/store/redis/lua', 'dist/store/redis/lua', { recursive: true });
cpSync('src/rlm/prompts', 'dist/rlm/prompts', { recursive: true });
