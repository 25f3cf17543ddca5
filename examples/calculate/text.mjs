// Numbers, as a person wants to read them.

const short = (digits) => digits.length > 24 ?
  `${digits.slice(0, 8)}...${digits.slice(-8)}` : digits;
export const many = (count, what) =>
  `${count} ${what}${count === 1 ? '' : 's'}`;
export const ms = (time) => `${time.toFixed(0)} ms`;

export function result({ number, last }) {
  const digits = `${number}`;
  const length = digits.length > 24 ? `, ${digits.length} digits` : '';
  const primes = last.length > 0 ? `; the last: ${last.join(', ')}` : '';
  return short(digits) + length + primes;
}

export const times = (alone, together) =>
  `${(alone / together).toFixed(1)} times`;

export function table(rows) {
  const heads = ['task', 'result', 'one worker', 'all workers', 'speed-up'];
  const cells = rows.map(({ name, number, alone, together }) => [
    name, short(`${number}`),
    ms(alone), ms(together), times(alone, together),
  ]);
  return [heads, ...cells].map(([name, digits, one, all, ratio]) =>
    `  ${name.padEnd(19)}  ${digits.padEnd(19)}  ${one.padStart(10)}` +
    `  ${all.padStart(11)}  ${ratio.padStart(9)}`).join('\n');
}
