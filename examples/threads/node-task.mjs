// What there is to do, and three ways to go wrong; see node-worker.mjs.
import fs from 'node:fs';

export function perform({ folder, primes, mishap, from, to }) {
  let result = 0;
  if (mishap) goWrong[mishap]();
  for (let number = from; number < to; number++) {
    if (folder) result += hash(fs.readFileSync(`${folder}/${number}`));
    if (primes) result += isPrime(number);
  }
  return result;
}

function hash(bytes) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) {
    hash = Math.imul(hash ^ bytes[at], 0x01000193);
  }
  return hash >>> 0;
}

function isPrime(number) {
  let divisor = 2;
  while (divisor * divisor <= number && number % divisor) divisor++;
  return number >= 2 && divisor * divisor > number ? 1 : 0;
}

const goWrong = {
  abort() {
    process.kill(process.pid, 'SIGABRT'); // as abort(3) in an addon does
    for (;;);
  },
  overflow: () => 1 + goWrong.overflow(), // throws a RangeError
  leak: () => (globalThis.leaked ??= []).push(Buffer.alloc(32 << 20, 1)),
};
