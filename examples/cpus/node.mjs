// How many workers should there be?
//
//     node examples/cpus/node.mjs
import cluster from 'node:cluster';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { PILE, countSixes } from './dice.mjs';

const tell = (text) => console.log(`primary   ${text}`);
const many = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;
const answers = (workers) =>
  Promise.all(workers.map((worker) => once(worker, 'message')));

if (cluster.isPrimary) {
  await lead();
} else {
  process.on('message', ({ dice }) => process.send(countSixes(dice, dice)));
  process.send('ready'); // what is sent before `on` is called is lost
}

async function lead() {
  // ANCHOR: primary
  const allowed = availableParallelism();
  tell(`finds ${many(cpus().length, 'CPU')} in the machine`);
  tell(`may use ${allowed} of them`);
  const perCpu = Math.min(allowed, 16);
  const counts = [...new Set([1, perCpu, 2 * perCpu])];
  const workers = Array.from({ length: 2 * perCpu }, () => cluster.fork());
  // ANCHOR_END: primary
  await answers(workers); // "ready"
  tell('has one pile of dice for its workers to throw');
  const times = [];
  for (const count of counts) {
    const start = performance.now();
    let best = Infinity;
    for (let i = 0; i < 3 && performance.now() - start < 500; i++) {
      best = Math.min(best, await throwPile(workers.slice(0, count)));
    }
    times.push(best);
    const faster = `, ${(times[0] / best).toFixed(1)} times as fast`;
    const took = `${best.toFixed(0)} ms${times.length > 1 ? faster : ''}`;
    tell(`measures ${many(count, 'worker')}: ${took}`);
  }
  const [fewer, more] = counts.slice(-2);
  const ratio = (times.at(-1) / times.at(-2)).toFixed(1);
  tell(`sees ${more} workers finish in ${ratio} times the time of ${fewer}`);
  cluster.on('exit', (_, code) => { if (code !== 0) process.exitCode = 1; });
  cluster.disconnect();
}

async function throwPile(workers) {
  const dice = Math.floor(PILE / workers.length);
  const start = performance.now();
  workers.forEach((worker) => worker.send({ dice }));
  await answers(workers);
  return performance.now() - start;
}
