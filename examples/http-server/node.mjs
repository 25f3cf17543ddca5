// How do many processes serve one port? `node examples/http-server/node.mjs`
import cluster from 'node:cluster';
import { once } from 'node:events';
import http from 'node:http';

const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
let port;
async function visit(agent = false, path = '/') {
  const [answer] = await once(http.get({ port, path, agent }), 'response');
  await once(answer.resume(), 'end');
  return Number(answer.headers['x-worker']);
}
async function twelve(agent, served = []) {
  while (served.length < 12) served.push(await visit(agent));
  return served;
}
async function meet(id) {
  for (;;) { // eight at once: one by one, a worker may never have a turn
    const agents = Array.from({ length: 8 }, () => new http.Agent({ keepAlive: true }));
    const ids = await Promise.all(agents.map((agent) => visit(agent)));
    if (ids.includes(id)) return agents[ids.indexOf(id)];
    agents.forEach((agent) => agent.destroy());
  }
}

// ANCHOR: server
if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE; // the kernel chooses
  tell('primary', 'forks 2 workers');
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  http.createServer((request, response) => {
    if (request.url === '/crash') process.kill(process.pid, 'SIGABRT');
    response.setHeader('X-Worker', cluster.worker.id);
    response.end(`worker ${cluster.worker.id}, pid ${process.pid}\n`);
  }).listen(0, '127.0.0.1');
}
// ANCHOR_END: server

if (cluster.isPrimary) {
  cluster.on('listening', ({ id }) => tell(`worker ${id}`, 'listens'));
  cluster.on('exit', ({ id, exitedAfterDisconnect: asked }, code, signal) => {
    const why = !asked ? 'not asked' : code === 0 ? 'as asked' : 'not as asked';
    tell(`worker ${id}`, signal ? `killed by ${signal},` : `exits ${code},`, why);
    if (asked && code !== 0) process.exitCode = 1;
    if (!asked) tell('primary', `forks worker ${cluster.fork().id}`);
  });
  for (let i = 0; i < 2; i++) [, { port }] = await once(cluster, 'listening');
  tell('primary', `serves http://127.0.0.1:${port}/`);
  tell('visitor', '1 to 12 come, one after another');
  console.log('  | served by', ...await twelve());
  const agent = await meet(1);
  const same = (await twelve(agent)).every((id) => id === 1);
  tell('visitor', 'stays, and asks 12 times:', same ? 'always worker 1' : 'not only one');
  tell('visitor', 'asks worker 1 for /crash');
  await visit(agent, '/crash').catch(() => once(cluster, 'listening')); // worker 3
  await twelve();
  tell('visitor', '13 to 24 come: every one is answered');
  tell('primary', 'stops, and all workers with it');
  cluster.disconnect();
}
