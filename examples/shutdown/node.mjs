// How does a service stop without hanging up on anyone? `node examples/shutdown/node.mjs`
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';

const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
const ask = (path) => `GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`;

cluster.setupPrimary({ exec: `${import.meta.dirname}/node-worker.mjs` });
const [workers, died] = [[], []];
let port;
for (const name of ['worker 1', 'worker 2', 'worker 3']) {
  tell('primary', 'forks', name);
  const worker = cluster.fork();
  worker.on('message', (news) => (news === 'closed' ? worker.emit(news) : tell(name, news)));
  worker.on('exit', (code, signal) => {
    if (code !== 0) died.push(name);
    const why = code === 0 ? 'as asked' : 'not as asked';
    tell(name, signal ? `killed by ${signal},` : `exits ${code},`, why);
  });
  [{ port }] = await once(worker, 'listening'); // the same for all of them
  workers.push(worker);
}
const all = (event) => Promise.all(workers.map((worker) => once(worker, event)));
const [one, two, three] = workers.map(() => net.connect(port, '127.0.0.1'));
const sends = (visitor, text) => (visitor.write(text), once(visitor, 'data'));

const begun = all('message');
tell('visitor 1', 'asks for 300 ms of work');
const answer = sends(one, ask('/work'));
tell('visitor 2', 'asks');
await sends(two, ask('/'));
tell('visitor 2', 'sees 200, and stays connected');
tell('visitor 3', 'sends half a request');
three.write(ask('/').slice(0, 9));
await begun;

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => {
  tell('primary', `gets ${signal}, and begins to stop`);
  for (const worker of workers) worker.send('stop');
});
tell('primary', 'sends SIGINT to all, as Ctrl-C does');
const [closed, gone] = [all('closed'), all('exit')];
for (const { process: { pid } } of [...workers, { process }]) process.kill(pid, 'SIGINT');
const hungUp = once(two, 'end');
await closed;
const [{ code }] = await once(net.connect(port, '127.0.0.1'), 'error');
if (code === 'ECONNREFUSED') tell('visitor 4', 'comes now, and is refused');
await hungUp;
tell('visitor 2', 'sees its idle connection end');
tell('visitor 3', 'sends the other half');
for (const [visitor, sees] of [[3, sends(three, ask('/').slice(9))], [1, answer]]) {
  tell(`visitor ${visitor}`, 'sees', String(await sees).slice(9, 12));
}
await gone;
const how = died.length > 1 ? `${died.length} workers did not leave as asked`
  : died.length > 0 ? `${died} did not leave as asked` : 'every worker left by itself';
tell('primary', 'has stopped:', how);
if (died.length > 0) process.exitCode = 1;
