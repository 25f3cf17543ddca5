// The worker's side of `node.mjs`.
import cluster from 'node:cluster';
import http from 'node:http';

// ANCHOR: serve
http.createServer((request, response) => {
  if (request.url === '/work') {
    process.send('busy');
    // Nothing else happens in this process for so long, as in a computation.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
  response.setHeader('X-Worker', cluster.worker.id);
  response.end(String(cluster.worker.id));
}).listen(0, '127.0.0.1');
// ANCHOR_END: serve
