// What happens when a worker dies? `node examples/restart/node.mjs`
import cluster from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { parseArgs } from 'node:util';

const { values: { kill, strategy } } = parseArgs({ options: {
  kill: { type: 'string', default: '3' },
  strategy: { type: 'string', default: 'back-off' },
} });
const tell = (actor, ...words) => console.log(actor.padEnd(9), ...words);
const name = ({ id }) => `worker ${id}`;
const news = new EventEmitter();
let port, wanted = 3, serving = 0, deaths = 0, asked = 0, answered = 0;

async function ask() {
  for (let question = 0; question < 100; question++, asked++) {
    const connection = net.connect(port, '127.0.0.1');
    connection.on('data', () => answered++);
    await once(connection, 'close').catch(() => {}); // refused
  }
}

// ANCHOR: strategies
const replace = {
  'none': () => wanted--,
  'at-once': () => cluster.fork(),
  'back-off'() {
    const delay = Math.min(100 * 2 ** deaths++, 800);
    tell('primary', 'waits', delay, 'ms');
    setTimeout(() => cluster.fork(), delay);
  },
}[strategy];
// ANCHOR_END: strategies

if (cluster.isPrimary) {
  cluster.on('exit', async (worker, code, signal) => {
    await worker.lastWords;
    serving--;
    // ANCHOR: exit
    const how = signal ? `killed by ${signal},` : `exits ${code},`;
    const asked = worker.exitedAfterDisconnect;
    tell(name(worker), how, asked ? 'as asked' : 'not asked');
    if (!asked) replace();
    // ANCHOR_END: exit
    news.emit('death');
  });
  cluster.on('fork', (worker) => {
    tell('primary', 'forks', name(worker));
    const { stderr } = worker.process;
    stderr.on('data', (words) => tell(name(worker), 'says:', String(words).trim()));
    worker.lastWords = once(stderr, 'close');
  });
  cluster.on('online', (worker) => tell(name(worker), 'is online'));
  cluster.on('listening', (_, address) => (port = address.port, serving++));
  const complete = async () => { while (serving < wanted) await once(cluster, 'listening'); };

  cluster.setupPrimary({ silent: true });
  for (let i = 0; i < wanted; i++) cluster.fork();
  await complete();
  tell('visitor', 'begins to ask');
  await ask();
  for (let turn = 0; turn < kill; turn++) {
    const victim = Object.values(cluster.workers).at(-1); // the youngest
    const order = ['kill', 'panic', 'exit 7'][turn % 3];
    tell('primary', order === 'kill' ? `kills ${name(victim)}` : `tells ${name(victim)}: ${order}`);
    if (order === 'kill') victim.kill('SIGKILL'); else victim.send(order);
    await once(news, 'death');
    await ask(); // while somebody is missing
    await complete();
    await ask();
  }
  tell('visitor', `asked ${asked} times, ${answered === asked ? 'every one' : answered} answered`);
  tell('primary', 'is left with', serving, 'workers');
  cluster.disconnect();
} else {
  // ANCHOR: worker
  process.on('uncaughtException', ({ message }) => {
    console.error(message);
    process.exit(101); // if nobody catches it: a stack trace, and 1
  });
  process.on('message', (order) => {
    if (order === 'exit 7') process.exit(7);
    throw new Error('there is no seat 42');
  });
  // ANCHOR_END: worker
  net.createServer((visitor) => visitor.end(`${name(cluster.worker)}\n`)).listen(0, '127.0.0.1');
}
