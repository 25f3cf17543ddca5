// Who gets the next connection? `node examples/scheduling/node.mjs`
import { spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { letThemCome, stay, visit } from './node-visitors.mjs';

if (!process.env.NODE_CLUSTER_SCHED_POLICY) {
  const self = import.meta.filename;
  // ANCHOR: policies
  // The first fork fixes the policy, for ever: so each gets a primary.
  for (const policy of ['rr', 'none']) {
    const env = { ...process.env, NODE_CLUSTER_SCHED_POLICY: policy };
    const told = spawnSync(process.execPath, [self], { env, stdio: 'inherit' });
    process.exitCode ||= told.status;
  }
  // ANCHOR_END: policies
  process.exit();
}
const shared = cluster.schedulingPolicy === cluster.SCHED_NONE;
const tell = (actor, deed) => console.log(actor.padEnd(9), deed);
const byChance = (actor, deed) => console.log('  |', actor.padEnd(9), deed);
const number = (id) => (shared ? id + 3 : id); // this primary counts from 1 again

tell('primary', shared ? 'leaves each connection to the kernel (none)'
  : 'takes each connection, and hands it over (rr)');
tell('primary', 'forks 3 workers');
cluster.setupPrimary({ exec: `${import.meta.dirname}/node-worker.mjs` });
const listening = [1, 2, 3].map(() => once(cluster.fork(), 'listening'));
const [[{ port }]] = await Promise.all(listening);

tell('visitor', '1 to 12 come, one after another');
const { served } = await letThemCome(port);
byChance('served by', served.map(number).join(' '));
const counts = [1, 2, 3].map((id) => served.filter((it) => it === id).length);
const tally = shared ? byChance : tell;
counts.forEach((n, i) => tally(`worker ${number(i + 1)}`,
  `serves ${`${n}`.padStart(2)} of 12  ${'#'.repeat(3 * n)}`.trimEnd()));
tally('primary', `finds a spread of ${Math.max(...counts) - Math.min(...counts)}`);

tell('visitor', 'asks 12 times on one connection');
tell('visitor', `meets ${(await stay(port)).size} worker`);

const work = visit(port, '/work');
await once(cluster, 'message'); // 'busy'
tell('visitor', 'brings work for 300 ms');
const meanwhile = await letThemCome(port);
tell('visitor', '1 to 12 come meanwhile');
byChance('served by', meanwhile.served.map(number).join(' '));
tell('visitor', `waits ${meanwhile.longest} ms at most`);
await work;
cluster.on('exit', ({ id }, code, signal) => {
  const how = signal ? `killed by ${signal}` : `exits ${code}`;
  const why = code === 0 ? 'as asked' : 'not as asked';
  tell(`worker ${number(id)}`, `${how}, ${why}`);
  if (code !== 0) process.exitCode = 1;
});
cluster.disconnect();
