// A storm of forks: `node examples/restart/node-storm.mjs`
import cluster from 'node:cluster';

if (cluster.isWorker) process.exit(1); // dies at birth

let forked = 0;
cluster.on('fork', () => forked++);
// ANCHOR: storm
for (let i = 0; i < 3; i++) cluster.fork();
cluster.on('exit', () => cluster.fork());
// ANCHOR_END: storm
setTimeout(() => {
  cluster.removeAllListeners('exit');
  console.log(`primary   forked ${forked} workers in 3 s: a storm`);
}, 3000);
