// The work itself: the tasks, their parts, and what a worker computes.

export const tasks = (workers) => [
  ['factorial', 1, 100_000, 'factorial 100000', 2 * workers],
  ['sum', 1, 300_000_000, 'sum 1 to 300000000', 8 * workers],
  ['primes', 0, 200_000_000, 'primes to 200000000', 32 * workers],
  ['fibonacci', 2_000_000, 2_000_000, 'fibonacci 2000000', 1],
].map(([kind, from, to, name, parts]) => ({ kind, from, to, name, parts }));

export const compute = {
  factorial: product,
  sum(from, to) {
    let sum = 0; // a part's sum stays below 2^53
    for (let n = from; n <= to; n++) sum += n;
    return BigInt(sum);
  },
  primes: sieve,
  fibonacci(from, index) {
    let [now, next] = [0n, 1n];
    for (const bit of index.toString(2)) {
      [now, next] = [now * (2n * next - now), now * now + next * next];
      if (bit === '1') [now, next] = [next, now + next];
    }
    return now;
  },
};

function product(from, to) {
  if (to - from < 32) {
    let product = 1n;
    for (let n = from; n <= to; n++) product *= BigInt(n);
    return product;
  }
  const middle = Math.floor((from + to) / 2);
  return product(from, middle) * product(middle + 1, to);
}

function productOf(numbers) {
  if (numbers.length === 1) return numbers[0];
  const middle = numbers.length >> 1;
  return productOf(numbers.slice(0, middle)) * productOf(numbers.slice(middle));
}

// The parts of a task that can be computed at the same time.
export function split({ kind, from, to, parts }) {
  const length = to - from + 1;
  const cut = (part) => from + Math.floor(length * part / parts);
  const range = (_, part) =>
    ({ part, kind, from: cut(part), to: cut(part + 1) - 1 });
  return Array.from({ length: parts }, range);
}

// The answer, from those to the parts.
export function putTogether(kind, byPart) {
  const answers = Object.values(byPart); // in the order of the parts
  const numbers = answers.map(({ digits }) => BigInt(`0x${digits}`));
  const number = kind === 'factorial' ?
    productOf(numbers) : numbers.reduce((sum, number) => sum + number);
  return { number, last: answers.flatMap(({ last }) => last).slice(-3) };
}

const SEGMENT = 32 * 1024; // odd numbers: as many as a core's cache holds

function sieve(from, to, last) {
  let count = from <= 2 && to >= 2 ? 1 : 0;
  const first = Math.max(from, 3) | 1;
  const base = basePrimes(Math.floor(Math.sqrt(to)));
  const next = base.map((prime) => { // the first multiple to cross off
    const multiple = Math.max(prime * prime, Math.ceil(first / prime) * prime);
    return (multiple + (multiple % 2 ? 0 : prime) - first) / 2;
  });
  const composite = new Uint8Array(SEGMENT);
  for (let low = first; low <= to; low += 2 * SEGMENT) {
    const odds = Math.min(SEGMENT, Math.floor((to - low) / 2) + 1);
    composite.fill(0);
    for (let i = 0; i < base.length; i++) {
      const prime = base[i];
      let at = next[i];
      for (; at < SEGMENT; at += prime) composite[at] = 1;
      next[i] = at - SEGMENT;
    }
    for (let at = 0; at < odds; at++) count += 1 - composite[at];
    for (let at = Math.max(0, odds - 300); at < odds; at++) {
      if (!composite[at]) last.push(low + 2 * at);
    }
    last.splice(0, last.length - 3);
  }
  return BigInt(count);
}

function basePrimes(limit) {
  const primes = [];
  for (let n = 3; n <= limit; n += 2) {
    if (primes.every((prime) => prime * prime > n || n % prime)) primes.push(n);
  }
  return primes;
}
