// A plain Node primary of a Node worker and of workers that are the program in WORKER, all on one port.
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const say = (...words) => console.log(words.join(' '));
const node = process.execPath;
cluster.setupPrimary({ exec: fileURLToPath(new URL('server.mjs', import.meta.url)), execArgv: [] });
cluster.on('exit', (worker, code, signal) => say('exit', code, signal, worker.exitedAfterDisconnect));

async function fork(program) {
  process.execPath = program;
  const worker = cluster.fork({ PLAIN: 'yes', LISTEN: '0' });
  const [address] = await once(worker, 'listening');
  return { worker, port: address.port };
}

async function ask(port) {
  const client = net.connect(port, '127.0.0.1');
  let text = '';
  client.on('data', (data) => (text += data));
  await once(client, 'close');
  return text;
}

async function leaves({ worker }) {
  worker.disconnect();
  await once(worker, 'exit');
}

const first = await fork(node);
say('alone:', await ask(first.port));
const second = await fork(process.env.WORKER);
const third = await fork(process.env.WORKER);
say('one port:', first.port === second.port && second.port === third.port);
const names = [];
for (let at = 0; at < 30; at++) names.push(await ask(first.port));
const known = new Set(['node 1', 'worker 2', 'worker 3']);
say('all answer:', names.every((name) => known.has(name)));
// Under round robin each has its turn; the kernel may choose as it likes.
if (cluster.schedulingPolicy === cluster.SCHED_RR) say('all serve:', new Set(names).size === 3);
await leaves(first);
say('without node:', /^worker [23]$/.test(await ask(first.port)));
await leaves(second);
say('one left:', await ask(first.port));
await leaves(third);
