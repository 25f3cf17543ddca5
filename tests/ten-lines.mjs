import cluster from 'node:cluster';
const node = process.execPath;
process.argv.slice(2).forEach((program) => {
  process.execPath = program === 'node' ? node : program;
  if (program === 'node') cluster.setupPrimary({ exec: process.env.SERVER, args: [] });
  cluster.fork();
});
cluster.on('listening', (worker, { port }) => console.log('port', port));
cluster.on('exit', ({ id }, code, signal) => console.log('exit', id, code, signal));
process.on('SIGTERM', () => Object.values(cluster.workers).forEach((it) => it.disconnect()));
