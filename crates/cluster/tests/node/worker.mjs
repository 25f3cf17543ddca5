// A plain Node worker: answers what it is asked, and knows nothing of the primary's language.
import cluster from 'node:cluster';
import net from 'node:net';

process.on('message', (message, handle) => {
  switch (message.ask ?? 'echo') {
    case 'echo':
      process.send(message);
      break;
    case 'lone surrogate':
      process.send({ text: 'a\ud800b', whole: '\u{1f600}' });
      break;
    case 'how is it written':
      process.send([...message.text].map((letter) => letter.codePointAt(0)));
      break;
    case 'serve': // a connection that the primary took
      handle.end('from node');
      break;
    case 'use': // a listening socket of the primary's
      handle.on('connection', (connection) => connection.end('from node')).unref();
      process.send('listens');
      break;
    case 'socket': { // one of its own, to the primary
      const options = { port: 0, host: '127.0.0.1', exclusive: true };
      const server = net.createServer().listen(options, () => process.send('yours', server));
      break;
    }
    case 'too much': // on a line with a socket, and what waits behind it
      process.send('x'.repeat(8 * 1024 * 1024), net.createServer().listen(0, '127.0.0.1'));
      process.send('after');
      break;
    case 'leave':
      cluster.worker.disconnect();
      break;
    case 'exit':
      process.exit(message.code);
  }
});
process.send({ id: cluster.worker.id, args: process.argv.slice(2) });
