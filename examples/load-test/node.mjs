// Is it really faster, and by how much? `node examples/load-test/node.mjs`
import cluster from 'node:cluster';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { availableParallelism } from 'node:os';

const CONNECTIONS = 16, MS = 700;
const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);

// ANCHOR: ask
// One connection, one request after another, until the time is over.
async function ask(port, end, latencies) {
  const connection = net.connect({ port, noDelay: true });
  await once(connection, 'connect');
  while (performance.now() < end) {
    const start = performance.now();
    connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(connection, 'data'); // a small answer comes in one piece
    latencies.push(performance.now() - start);
  }
  connection.destroy();
}
// ANCHOR_END: ask

async function measure(workers) {
  const name = `${workers} worker${workers === 1 ? '' : 's'}`;
  tell('primary', `serves with ${name}`);
  let port;
  while (Object.keys(cluster.workers).length < workers) {
    cluster.fork();
    [, { port }] = await once(cluster, 'listening');
  }
  tell('visitor', `asks on ${CONNECTIONS} connections`);
  const latencies = [];
  const asking = Array.from({ length: CONNECTIONS }, () => ask(port, performance.now() + MS, latencies));
  await Promise.all(asking);
  latencies.sort((a, b) => a - b);
  const at = (quantile) => latencies[Math.floor(quantile * (latencies.length - 1))].toFixed(1);
  const perSecond = Math.round(latencies.length / MS * 1000);
  console.log(`  | ${name}: ${perSecond} requests/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  return perSecond;
}

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const many = Math.max(availableParallelism(), 2);
  const [one, several] = [await measure(1), await measure(many)];
  tell('primary', `compares 1 worker with ${many}`);
  console.log(`  | ${many} workers answer ${(several / one).toFixed(2)} times as many requests as 1`);
  cluster.on('exit', (_, code) => { if (code !== 0) process.exitCode = 1; });
  cluster.disconnect();
} else {
  http.createServer((request, response) => response.end(`worker ${cluster.worker.id}\n`)).listen(0, '127.0.0.1');
}
