/** Where a number stands in a column whose first `count` numbers are sorted; -1: nowhere. */
export function placeOf(sorted: Float64Array, wanted: number, count = sorted.length): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < wanted) low = middle + 1;
    else high = middle;
  }
  return low < count && sorted[low] === wanted ? low : -1;
}
