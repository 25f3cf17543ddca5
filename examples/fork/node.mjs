// What does it mean to start a worker?
//
//     node examples/fork/node.mjs [--workers=2] [--counter=0]
import cluster from 'node:cluster';
import { parseArgs } from 'node:util';

const options = { workers: { type: 'string' }, counter: { type: 'string' } };
const { values } = parseArgs({ options });
const tell = (actor, text) => console.log(`${actor.padEnd(9)} ${text}`);

// ANCHOR: role
let counter = 0; // every process of this program comes by here

if (cluster.isPrimary) {
  counter += Number(values.counter ?? 0);
  lead(Number(values.workers ?? 2));
} else {
  work();
}
// ANCHOR_END: role

function lead(workers) {
  tell('primary', `is process ${process.pid}`);
  for (let i = 0; i < workers; i++) {
    const worker = cluster.fork();
    tell('primary', `forks worker ${worker.id}`);
  }
  let reports = 0;
  cluster.on('message', (worker, { pid, ppid, was, is }) => {
    const name = `worker ${worker.id}`;
    tell(name, `is process ${pid}, child of process ${ppid}`);
    tell(name, `raises its counter from ${was} to ${is}`);
    if (++reports === workers) {
      tell('primary', `still has a counter of ${counter}`);
      cluster.disconnect();
    }
  });
  cluster.on('exit', (worker, code, signal) => {
    const how = signal ? `killed by ${signal}` : `exits ${code}`;
    const asked = worker.exitedAfterDisconnect;
    const why = !asked ? 'not asked' : code === 0 ? 'as asked' : 'not as asked';
    tell(`worker ${worker.id}`, `${how}, ${why}`);
    if (why !== 'as asked') process.exitCode = 1;
    if (!asked) cluster.disconnect();
  });
}

function work() {
  const was = counter;
  counter += cluster.worker.id; // worker 2 adds 2
  const { pid, ppid } = process;
  process.send({ pid, ppid, was, is: counter });
}
