// How do primary and worker talk? `node examples/ipc/node.mjs`
import cluster from 'node:cluster';
import { on, once } from 'node:events';
import net from 'node:net';
const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
const name = ({ id }) => `worker ${id}`;
cluster.setupPrimary({ exec: `${import.meta.dirname}/node-worker.mjs`, stdio: ['pipe', 1, 2, 'ipc'] });
const [one, two] = await Promise.all([1, 2].map(async () => {
  const worker = cluster.fork();
  const messages = on(worker, 'message');
  worker.hear = async () => (await messages.next()).value[0];
  tell('primary', 'forks', name(worker));
  await once(worker, 'online');
  tell(name(worker), 'is online');
  await worker.hear(); // 'ready': what is sent before it listens is lost
  return worker;
}));
// ANCHOR: talk
tell('primary', `tells ${name(one)}:`, 'hi there');
one.send({ say: 'hi there' });
tell(name(one), 'answers:', (await one.hear()).heard);
// ANCHOR_END: talk
tell('primary', 'tells everybody:', 'good morning');
for (const worker of [one, two]) {
  worker.send({ say: 'good morning' });
  tell(name(worker), 'hears:', (await worker.hear()).heard);
}
for (const [question, a, b] of [[1, 6, 7], [2, 2, 2]]) {
  tell('primary', `asks ${name(one)}`, `question ${question}: ${a} times ${b}`);
  one.send({ multiply: { question, a, b } });
}
for (const { product } of [await one.hear(), await one.hear()]) {
  tell(name(one), 'answers', `question ${product.question}: ${product.product}`);
}
const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
server.on('listening', () => server.visitor = net.connect(server.address()));
const [connection] = await once(server, 'connection');
tell('primary', "hands the visitor's connection to", name(two));
two.send('greet', connection);
if (await two.hear() === 'greeted') tell(name(two), 'greets the visitor');
tell('visitor', 'hears:', String((await once(server.visitor, 'data'))[0]));
server.close();
tell('primary', 'sends 1 MiB to', name(one));
one.send({ count: 'x'.repeat(1024 * 1024) });
tell(name(one), 'counts', (await one.hear()).counted, 'letters');
two.send('nap');
if (await two.hear() === 'napping') tell(name(two), 'takes a nap');
let sent = 1; // the first `false` is advice: that message is taken, too
while (two.send({ number: [sent - 1, 'x'.repeat(1000)] })) sent++;
tell('primary', `finds the channel to ${name(two)} full`);
two.process.stdin.end(() => two.send('last')); // wakes it
if ((await two.hear()).read === sent) tell(name(two), 'wakes, and reads all of it in order');
for (const worker of [one, two]) {
  tell('primary', 'disconnects', name(worker));
  worker.disconnect();
  const [code, signal] = await once(worker, 'exit');
  tell(name(worker), signal ? `killed by ${signal},` : `exits ${code},`,
    code === 0 ? 'as asked' : 'not as asked');
  if (code !== 0) process.exitCode = 1;
  if (worker === one) one.send('anybody?', () => tell('primary', 'cannot reach', name(one)));
}
