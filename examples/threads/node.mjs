// Threads or processes? `node examples/threads/node.mjs`
import cluster from 'node:cluster';
import { once } from 'node:events';
import fs from 'node:fs';
import { dismiss, fork, give, hire, pieces } from './node-crew.mjs';
import {
  aside, leftTable, name, price, speed, table, tell,
} from './node-report.mjs';

const hands = 3;
const crews = [
  { name: 'one thread', processes: 1, threads: 1,
    when: 'it when one CPU is enough' },
  { name: `${hands} threads`, processes: 1, threads: hands,
    when: 'them to share memory, where it trusts every task' },
  { name: `${hands} workers`, processes: hands, threads: 1,
    when: 'them when no task may take the others along' },
];
const mishaps = {
  abort: 'abort', overflow: 'overflow its stack', leak: 'leak 32 MiB',
};

async function measure(crew, folder) {
  const workers = await hire(crew);
  await give(workers, crew.threads, []); // the threads start
  const files = pieces(300, { folder });
  const primes = pieces(1_000_000, { primes: true });
  const row = {
    crew,
    files: await give(workers, crew.threads, files),
    primes: await give(workers, crew.threads, primes),
  };
  await dismiss(workers);
  return row;
}

async function goWrong(mishap, crew) {
  const workers = await hire(crew);
  const before = await give(workers, crew.threads, []);
  const others = Array(hands - 1).fill({ primes: true, from: 0, to: 1000 });
  const tasks = [{ mishap }, ...others];
  const { done, died } = await give(workers, crew.threads, tasks);
  const say = mishap === 'abort' ? tell : aside;
  for (const { worker, end: [code, signal] } of died) {
    const how = signal ? `killed by ${signal}` : `exits ${code}`;
    say(name(worker), `${how}, not asked`);
  }
  if (say === tell) {
    tell('primary', `has ${done} of ${hands} tasks done by ${crew.name}`);
  }
  let leaked = 0;
  if (mishap === 'leak') {
    if (crew.processes > 1) {
      await dismiss(workers.splice(0, 1));
      workers.push(await fork());
    }
    const after = await give(workers, crew.threads, []); // on new threads
    leaked = after.cost[2] - before.cost[2];
  }
  await dismiss(workers);
  return { done, of: hands, leaked };
}

const exec = `${import.meta.dirname}/node-worker.mjs`;
cluster.setupPrimary({ exec, silent: true });
const keeper = await fork();
tell('primary', 'forks', name(keeper));
keeper.send('keep files');
const [folder] = await once(keeper, 'message');
tell(name(keeper), 'makes 300 files, of 128 KiB each');
const rows = [];
for (const crew of crews) {
  rows.push(await measure(crew, folder));
  speed(rows.at(-1), rows.length > 1 && rows[0]);
}
const results = rows.map((row) => row.files.result + row.primes.result);
if (results.some((it) => it !== results[0])) throw new Error('results differ');
tell('primary', 'has the same result from all three');
tell('primary', 'disconnects', name(keeper));
await dismiss([keeper]);
if (!fs.existsSync(folder)) tell(name(keeper), 'is gone, and so are the files');
const left = {};
for (const [mishap, deed] of Object.entries(mishaps)) {
  tell('primary', `lets one of ${hands} tasks ${deed}`);
  left[deed] = [];
  for (const crew of crews) left[deed].push(await goWrong(mishap, crew));
}
table(rows);
leftTable(crews, left);
rows.forEach((row, at) => price(row, rows[0], left.abort[at]));
