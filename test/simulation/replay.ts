/** The command that tells the story of a seed. */
export function replayOf(seed: number): string {
  return `seed ${seed} is broken; its story: npm run test:simulation -- --seed ${seed} --trace`;
}
