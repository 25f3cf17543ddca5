// What node.mjs measured, as a table and as sentences.
export const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
/** What differs from run to run, or from Rust, stands in the margin. */
export const aside = (actor, ...words) =>
  console.log('  |', actor.padEnd(9), ...words);
export const name = ({ id }) => `worker ${id}`;
const mib = (kib) => (kib / 1024).toFixed(1);
const ms = (time) => `${time.toFixed(0)} ms`;
const tens = (a, b) => `${(a / b).toFixed(1)} times`;

export function speed({ crew, files, primes }, one) {
  let [file, prime] = [ms(files.wall), ms(primes.wall)];
  if (one) {
    file = `${tens(one.files.wall, files.wall)} as fast`;
    prime = tens(one.primes.wall, primes.wall);
  }
  tell('primary', `measures ${crew.name}: files ${file}, primes ${prime}`);
}

export function table(rows) {
  const heads = ['files', 'CPU', 'primes', 'CPU', 'proc.', 'threads'];
  const line = (first, cells) => aside(first.padEnd(11),
    ...cells.map((cell) => String(cell).padStart(7)));
  line('MiB:', [...heads, 'RSS', 'PSS']);
  for (const { crew, files, primes } of rows) {
    const times = [files.wall, files.cpu, primes.wall, primes.cpu].map(ms);
    const [threads, ...memory] = primes.cost;
    line(crew.name, [...times, crew.processes, threads, ...memory.map(mib)]);
  }
}

export function leftTable(crews, left) {
  const line = (first, cells) => aside(first.padEnd(18),
    ...cells.map((cell) => cell.padStart(17)));
  line('left of the tasks', crews.map(({ name }) => name));
  for (const [deed, cells] of Object.entries(left)) {
    line(deed, cells.map(({ done, of, leaked }) => leaked < 16384 // noise
      ? `${done} of ${of}` : `${done} of ${of}, -${mib(leaked)} MiB`));
  }
}

export function price({ crew, primes }, one, { done, of }) {
  const memory = tens(primes.cost[2], one.primes.cost[2]);
  const tasks = `${of - done} of ${of} tasks`;
  const what = crew === one.crew
    ? `${tasks}, when one aborts` : `${memory} the memory, and ${tasks}`;
  tell('primary', `pays for ${crew.name} with ${what}`);
  tell('primary', `chooses ${crew.when}`);
}
