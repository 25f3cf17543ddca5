// A plain Node primary. Its workers are the program in WORKER; what it sees goes to stdout, line by line.
import cluster from 'node:cluster';
import net from 'node:net';

process.execPath = process.env.WORKER;
cluster.setupPrimary({ execArgv: [], args: ['an argument'] });
const say = (...words) => console.log(words.join(' '));

cluster.on('online', (worker) => say('online', worker.id));
cluster.on('disconnect', (worker) => say('disconnect', worker.exitedAfterDisconnect));
cluster.on('exit', (worker, code, signal) => say('exit', code, signal, worker.exitedAfterDisconnect));

const scenarios = {
  messages(worker) {
    const messages = ['grüße\u2028\u{1f600}', [1.5, null, { deep: [true] }], 'a\ud800b', 'x'.repeat(1 << 20)];
    worker.on('message', (answer) => {
      const sent = JSON.stringify(messages.shift()).replace('\\ud800', '\ufffd');
      say(JSON.stringify(answer) === sent ? 'same' : `${JSON.stringify(answer)} is not ${sent}`);
      if (messages.length > 0) worker.send(messages[0]);
      else worker.disconnect();
    });
    worker.send(messages[0]);
  },
  handles(worker) {
    const server = net.createServer((connection) => worker.send('serve', connection));
    server.listen(0, '127.0.0.1', () => {
      net.connect(server.address().port).on('data', (data) => {
        say('client reads', data);
        server.close();
        worker.send('give');
      });
    });
    worker.on('message', (message, handle) => {
      if (message !== 'yours') return;
      handle.on('connection', (connection) => connection.end('hello'));
      net.connect(handle.address().port).on('data', (data) => {
        say('client reads', data);
        handle.close();
        worker.disconnect();
      });
    });
  },
  disconnect: (worker) => worker.on('online', () => worker.disconnect()),
  leave: (worker) => worker.send('leave'),
  'worker kill': (worker) => worker.send('kill'),
  exit: (worker) => worker.send('exit'),
  kill: (worker) => worker.on('online', () => worker.kill()),
  SIGKILL: (worker) => worker.on('online', () => worker.process.kill('SIGKILL')),
  'channel closed': (worker) => worker.on('online', () => worker.process.disconnect()),
  stay: (worker) => worker.on('online', () => say('ready')),
};
scenarios[process.argv[2]](cluster.fork());
