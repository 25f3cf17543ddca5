// The Node side of `versus_node.rs`: measures what it is asked on stdin, one line each.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const message = '0123456789012345678901234567890123456789012345678901234567890';

async function roundTrips(worker, count) {
  const start = process.hrtime.bigint();
  await new Promise((done) => {
    let left = count;
    const next = () => (left-- > 0 ? worker.send(message) : (worker.off('message', next), done()));
    worker.on('message', next);
    next();
  });
  return Number(process.hrtime.bigint() - start) / 1e3 / count;
}

async function forks(count) {
  let total = 0;
  for (let at = 0; at < count; at++) {
    const start = process.hrtime.bigint();
    const worker = cluster.fork({ IDLE: 'yes' });
    await once(worker, 'online');
    total += Number(process.hrtime.bigint() - start) / 1e6;
    worker.disconnect();
    await once(worker, 'exit');
  }
  return total / count;
}

if (cluster.isPrimary) {
  const worker = cluster.fork();
  await once(worker, 'message'); // it listens
  for await (const line of createInterface({ input: process.stdin })) {
    const [question, count] = line.split(' ');
    if (question === 'round-trips') console.log(await roundTrips(worker, Number(count)));
    if (question === 'forks') console.log(await forks(Number(count)));
    if (question === 'worker-pid') console.log(worker.process.pid);
  }
} else {
  process.on('message', (received) => process.send(received));
  if (!process.env.IDLE) process.send('ready'); // one that leaves at once could not
}
