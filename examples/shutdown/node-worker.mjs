// The worker's side of `node.mjs`.
import cluster from 'node:cluster';
import http from 'node:http';

let [begun, answered] = [0, 0];
const server = http.createServer((request, response) => {
  setTimeout(() => {
    if (!server.listening) response.setHeader('Connection', 'close');
    response.end('in full\n', () => answered++);
  }, request.url === '/work' ? 300 : 0);
});
server.on('connection', (visitor) => visitor.once('data', () => {
  begun++;
  process.send('begins to read a request');
}));
// ANCHOR: stop
process.on('SIGINT', () => {}); // it reaches us, too; the primary decides
process.on('message', () => {
  server.close(() => {
    process.send(`has answered ${answered} of ${begun}`);
    cluster.worker.disconnect();
  });
  server.closeIdleConnections(); // since Node 19 close() does that, too
  process.send('closed');
});
// ANCHOR_END: stop
server.listen(0, '127.0.0.1');
