// A server like any other: it knows nothing of Rust, or of a cluster.
import http from 'node:http';

// ANCHOR: serve
http.createServer((request, response) => {
  response.end('hello from Node\n');
}).listen(process.env.PORT ?? 0, '127.0.0.1');
// ANCHOR_END: serve
