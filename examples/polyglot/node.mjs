// Can processes in different languages serve one port? `node examples/polyglot/node.mjs`
import { spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';

if (!process.env.NODE_CLUSTER_SCHED_POLICY) {
  for (const policy of ['rr', 'none']) { // the first fork fixes it, for ever
    const env = { ...process.env, NODE_CLUSTER_SCHED_POLICY: policy };
    const told = spawnSync(process.execPath, [import.meta.filename], { env, stdio: 'inherit' });
    process.exitCode ||= told.status;
  }
  process.exit();
}
const shared = cluster.schedulingPolicy === cluster.SCHED_NONE;
const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
const byChance = (...words) => console.log('  |', ...words);
const name = ({ id }) => `worker ${shared ? id + 2 : id}`; // this primary counts from 1 again

// The runner says where it is. Run by itself, this finds it where cargo puts it.
const target = process.env.CARGO_TARGET_DIR ?? `${import.meta.dirname}/../../target`;
const runner = process.env.MAIN_RUNNER ?? `${target}/debug/main-runner`;
const node = process.execPath;

function fork(language) {
  const server = `${import.meta.dirname}/server.mjs`;
  // ANCHOR: fork
  // Whatever stands in execPath is started, with exec as its argument.
  process.execPath = language === 'Rust' ? runner : node;
  const exec = language === 'Rust' ? 'polyglot' : server;
  cluster.setupPrimary({ exec, args: [] });
  const worker = cluster.fork({ PORT: 0 });
  // ANCHOR_END: fork
  tell('primary', `forks ${name(worker)}, in ${language}`);
  return once(worker, 'listening').then(([{ address, port }]) => {
    tell(name(worker), `listens on ${address}:${port}`);
    return port;
  });
}
const visit = (port) => new Promise((done, fail) => {
  http.get({ port, host: '127.0.0.1', agent: false }, async (response) => {
    done((await response.setEncoding('utf8').toArray()).join('').trim().split(' ').at(-1));
  }).on('error', fail);
});

tell('primary', shared ? 'leaves each connection to the kernel (none)'
  : 'takes each connection, and hands it over (rr)');
const languages = existsSync(runner) ? ['Rust', 'Node'] : ['Node', 'Node'];
const [port] = await Promise.all(languages.map(fork));
tell('visitor', '1 to 12 come, one after another');
const met = [];
for (let visits = 0; visits < 12; visits++) met.push(await visit(port));
byChance('answered in', ...met);
const times = [...new Set(met)].sort().reverse()
  .map((language) => `${met.filter((it) => it === language).length} times in ${language}`);
(shared ? byChance : tell)('visitor  ', `is answered ${times.join(', ')}`);
cluster.on('exit', (worker, code, signal) => {
  const why = code === 0 ? 'as asked' : 'not as asked';
  tell(name(worker), signal ? `killed by ${signal},` : `exits ${code},`, why);
  if (code !== 0) process.exitCode = 1;
});
cluster.disconnect();
