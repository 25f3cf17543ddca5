// An unmodified Node worker that serves: HTTP, or bare connections, on the address that LISTEN names.
import cluster from 'node:cluster';
import http from 'node:http';
import net from 'node:net';

const name = `node ${cluster.worker.id}`;
const server = process.env.PLAIN
  ? net.createServer((client) => client.on('error', () => {}).end(name))
  : http.createServer((request, response) => response.end(name));
server.on('error', (error) => process.send(`${error.code} ${error.address ?? ''}`));
const listen = process.env.LISTEN;
server.listen(listen.startsWith('/') ? { path: listen } : { port: Number(listen), host: '127.0.0.1' });
