/** The first of 0 to `count` - 1 that holds, where those after one that holds do so too; `count` when none does. */
export function firstThat(count: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
