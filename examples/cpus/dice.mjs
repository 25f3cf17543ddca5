// The work: throwing dice. Nothing but integers; only a CPU can do it.

export const PILE = 80_000_000; // a quarter of a second for one worker

export function countSixes(dice, seed) {
  let [number, sixes] = [seed | 1, 0];
  for (let thrown = 0; thrown < dice; thrown++) {
    number ^= number << 13;
    number ^= number >>> 17;
    number ^= number << 5;
    if ((number >>> 0) % 6 === 5) sixes++;
  }
  return sixes;
}
