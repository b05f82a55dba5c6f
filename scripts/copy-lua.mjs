// The compiler copies no Lua: the scripts of the Redis store go beside what it made of the store. Part of the build.
import { cpSync } from 'node:fs';

cpSync('src/store/redis/lua', 'dist/store/redis/lua', { recursive: true });
