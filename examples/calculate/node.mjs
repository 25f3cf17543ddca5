// How is heavy work shared out and collected?
//
//     node examples/calculate/node.mjs
import cluster from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import { many, ms, result, table, times } from './text.mjs';
import { compute, putTogether, split, tasks } from './work.mjs';

const WORKERS = 2;
const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);

if (cluster.isPrimary) await lead();
else work();

function work() {
  process.on('message', ({ part, kind, from, to }) => {
    const [start, last] = [performance.now(), []];
    const digits = compute[kind](from, to, last).toString(16);
    process.send({ part, digits, last, time: performance.now() - start });
  });
  process.send('ready'); // what is sent before `on` is called is lost
}

async function lead() {
  const crew = Object.assign(new EventEmitter(), { free: [], busy: new Map() });
  for (let i = 0; i < WORKERS; i++) fork(crew);
  while (crew.free.length < WORKERS) await once(crew, 'news');
  const rows = [];
  for (const task of tasks(WORKERS)) {
    tell('primary', `shares out ${task.name} in ${many(task.parts, 'part')}`);
    const { time: alone } = await share(crew, task, 1);
    const { time: together, ...answer } = await share(crew, task, WORKERS);
    tell('primary', 'puts together', result(answer));
    rows.push({ ...task, ...answer, alone, together });
  }
  cluster.disconnect();
  while (crew.free.length > 0) await once(crew, 'news');
  console.log(table(rows));
  const [alone, together] = ['alone', 'together'].map((which) =>
    rows.reduce((sum, row) => sum + row[which], 0));
  const seen = `${many(WORKERS, 'worker')} do it ${times(alone, together)}`;
  tell('primary', 'sees', seen, 'as fast as one');
}

async function share(crew, task, atOnce) {
  const [start, { free, busy }] = [performance.now(), crew];
  [crew.queue, crew.answers] = [split(task), {}];
  while (Object.keys(crew.answers).length < task.parts) {
    while (busy.size < atOnce && free.length > 0 && crew.queue.length > 0) {
      const [worker, part] = [free.shift(), crew.queue.shift()];
      busy.set(worker, part);
      worker.send(part);
    }
    await once(crew, 'news');
  }
  const answer = putTogether(task.kind, crew.answers);
  return { ...answer, time: performance.now() - start };
}

function fork(crew) {
  const worker = cluster.fork();
  const [name, { free, busy }] = [`worker ${worker.id}`, crew];
  let worked = 0;
  tell('primary', 'forks', name);
  worker.on('message', (answer) => {
    if (answer !== 'ready') crew.answers[answer.part] = answer;
    worked += answer.time ?? 0;
    busy.delete(worker);
    free.push(worker);
    free.sort((one, other) => one.id - other.id);
    crew.emit('news');
  });
  worker.on('exit', (code, signal) => {
    const asked = worker.exitedAfterDisconnect;
    if (asked) tell(name, 'was busy for', ms(worked));
    const how = signal ? `killed by ${signal},` : `exits ${code},`;
    const as = code === 0 ? 'as asked' : 'not as asked';
    tell(name, how, asked ? as : 'not asked');
    if (asked && code !== 0) process.exitCode = 1;
    // ANCHOR: exit
    if (busy.has(worker)) crew.queue.unshift(busy.get(worker));
    busy.delete(worker);
    if (free.includes(worker)) free.splice(free.indexOf(worker), 1);
    if (!asked) fork(crew);
    // ANCHOR_END: exit
    crew.emit('news');
  });
}
