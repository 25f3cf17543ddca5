// The worker of node.mjs, and, started again inside it, its threads.
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { perform } from './node-task.mjs';

if (isMainThread) {
  process.on('message', async ({ tasks, threads }) => {
    process.send(tasks ? await run(tasks, threads) : keepFiles());
  });
  process.on('disconnect', () => process.exit()); // with its threads
  process.send('ready'); // what is sent before `on` is called is lost
} else {
  parentPort.on('message', (task) => parentPort.postMessage(perform(task)));
}

async function run(tasks, threads) {
  if (!tasks.length) await renewPool(threads);
  const [queue, before] = [[...tasks], process.cpuUsage()];
  let [done, result] = [0, 0];
  // ANCHOR: hand
  const hand = async (thread) => {
    for (let task; (task = queue.shift()); done++) {
      const part = thread ? await askThread(thread, task) : perform(task);
      result += part; // `result += await ...` would lose what others add
    }
  };
  if (threads === 1) await hand();
  else await Promise.allSettled(pool.map(hand)); // one of them may die
  // ANCHOR_END: hand
  return { done, result, ...cost(before) };
}

async function askThread(thread, task) {
  thread.postMessage(task);
  return (await once(thread, 'message'))[0];
}

/** Threads end, and others begin: what only the old ones knew is gone. */
async function renewPool(threads) {
  await Promise.all((globalThis.pool ?? []).map((old) => old.terminate()));
  const start = () => new Worker(import.meta.filename);
  globalThis.pool = threads === 1 ? [] : Array.from({ length: threads }, start);
  await Promise.all(pool.map((thread) => once(thread, 'online')));
}

function cost(before) {
  const number = (word, file) => {
    const text = fs.readFileSync(`/proc/self/${file}`, 'utf8');
    return Number(new RegExp(`^${word}:\\s+(\\d+)`, 'm').exec(text)[1]);
  };
  const { user, system } = process.cpuUsage(before);
  const [rss, pss] = ['Rss', 'Pss'].map((word) => number(word, 'smaps_rollup'));
  const threads = number('Threads', 'status');
  return { cpu: (user + system) / 1000, threads, rss, pss };
}

function keepFiles() {
  const folder = fs.mkdtempSync(`${os.tmpdir()}/lesson-threads-node-`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {}); // ends the primary: the channel closes
  }
  process.on('exit', () => fs.rmSync(folder, { recursive: true }));
  for (let file = 0; file < 300; file++) {
    fs.writeFileSync(`${folder}/${file}`, Buffer.alloc(128 * 1024, file));
  }
  return folder;
}
