// A crew of node.mjs: as many hands as the others, otherwise arranged.
import cluster from 'node:cluster';
import { once } from 'node:events';

export async function fork() {
  const worker = cluster.fork();
  await once(worker, 'message'); // 'ready': what comes before it is lost
  return worker;
}

export const hire = ({ processes }) =>
  Promise.all(Array.from({ length: processes }, fork));

export async function dismiss(workers) {
  const left = workers.filter((worker) => !worker.isDead());
  left.forEach((worker) => worker.disconnect());
  const ends = await Promise.all(left.map((worker) => once(worker, 'exit')));
  if (ends.some(([code]) => code !== 0)) throw new Error('a worker did not leave as asked');
}

/** Gives each its share, and waits until each has answered or died. */
export async function give(workers, threads, tasks) {
  const start = performance.now();
  const ends = await Promise.all(workers.map(async (worker, at) => {
    const mine = tasks.filter((_, number) => number % workers.length === at);
    worker.send({ tasks: mine, threads });
    const either = ['message', 'exit'].map((event) => once(worker, event));
    return { worker, end: await Promise.race(either) };
  }));
  const wall = performance.now() - start;
  const answers = ends.map(({ end }) => end[0]).filter((it) => it?.threads);
  const died = ends.filter(({ end }) => !end[0]?.threads);
  const sum = (what) => answers.reduce((sum, it) => sum + it[what], 0);
  const [done, result, cpu] = ['done', 'result', 'cpu'].map(sum);
  const cost = ['threads', 'rss', 'pss'].map(sum);
  return { wall, died, done, result, cpu, cost };
}

/** A job, in pieces: so that who is quicker can take more of them. */
export const pieces = (all, task) => Array.from({ length: 30 }, (_, at) => {
  const [from, to] = [at, at + 1].map((edge) => Math.ceil((edge * all) / 30));
  return { ...task, from, to };
});
