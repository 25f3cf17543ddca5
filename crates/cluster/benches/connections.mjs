// The Node side of `connections.rs`: two workers that serve, and a primary that answers questions on stdin.
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function forks(count) {
  const times = [];
  for (let at = 0; at < count; at++) {
    const start = process.hrtime.bigint();
    const worker = cluster.fork({ IDLE: 'yes' });
    await once(worker, 'online');
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
    worker.process.kill('SIGKILL');
    await once(worker, 'exit');
  }
  return median(times);
}

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  const listening = await Promise.all(workers.map((worker) => once(worker, 'listening')));
  for await (const line of createInterface({ input: process.stdin })) {
    const [question, count] = line.split(' ');
    if (question === 'address') console.log(`127.0.0.1:${listening[0][0].port}`);
    if (question === 'pids') console.log([process, ...workers.map((it) => it.process)].map((it) => it.pid).join(' '));
    if (question === 'replacements') console.log(await forks(Number(count)));
  }
} else if (!process.env.IDLE) {
  const serve = (client) => client.on('error', () => {}).once('data', () => client.end(process.env.ANSWER));
  net.createServer(serve).listen(0, '127.0.0.1');
}
