// How do I know that a worker is up? `node examples/online/node.mjs`
import cluster from 'node:cluster';
import net from 'node:net';

const tell = (actor, what, worker) =>
  console.log(actor.padEnd(9), what.padEnd(30), `state: ${worker.state}`);
const name = ({ id }) => `worker ${id}`;

let listening = 0;

if (cluster.isPrimary) {
  cluster.on('fork', (worker) => tell('primary', `forks ${name(worker)}`, worker));
  // ANCHOR: react
  cluster.on('online', (worker) => tell(name(worker), 'is online', worker));
  cluster.on('listening', (worker, { port }) => {
    tell(name(worker), `listens on port ${port}`, worker);
    if (++listening < 2) return;
    for (const worker of Object.values(cluster.workers)) {
      tell('primary', `disconnects ${name(worker)}`, worker);
      worker.disconnect();
    }
  });
  // ANCHOR_END: react
  cluster.on('disconnect', (worker) => tell(name(worker), 'is disconnected', worker));
  cluster.on('exit', (worker, code, signal) => {
    const how = signal ? `killed by ${signal}` : `exits ${code}`;
    const asked = worker.exitedAfterDisconnect;
    const why = !asked ? 'not asked' : code === 0 ? 'as asked' : 'not as asked';
    tell(name(worker), `${how}, ${why}`, worker);
    if (why !== 'as asked') process.exitCode = 1;
    if (!asked) cluster.disconnect(); // nobody waits for it
  });
  cluster.fork();
  cluster.fork();
} else {
  // ANCHOR: serve
  net.createServer((connection) => connection.destroy()).listen(0, '127.0.0.1');
  // ANCHOR_END: serve
}
