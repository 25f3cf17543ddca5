// One side of a conversation in tests/transcripts: does what messages tell it.
import cluster from 'node:cluster';
import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';

if (cluster.isPrimary) primary(); else worker();

function primary() {
  process.execPath = process.env.WORKER;
  cluster.setupPrimary({ exec: 'nothing', args: [] });
  const it = cluster.fork();
  let server;
  const serve = (then) => {
    server = net.createServer(then).listen(0, '127.0.0.1', () => net.connect(server.address()));
  };
  const orders = {
    disconnect: () => it.disconnect(),
    give() {
      const door = net.createServer().listen(0, '127.0.0.1', () => {
        const socket = net.connect(door.address(), () => it.send('yours', socket));
      });
      door.on('connection', (other) => door.close(other.unref()));
    },
    serve: () => serve((socket) => it.send('yours', socket)),
    count: () => server.getConnections(() => {}),
    close: () => server.close(),
    open: () => it.send(Number(process.env.OPEN_FD)),
  };
  it.on('message', (order, server) => server ? server.close() : orders[order]?.());
  it.on('exit', (code) => {
    process.exitCode = code;
    server?.close();
  });
}

function worker() {
  let open;
  const orders = {
    listen(host, where) {
      open = net.createServer();
      if (host === 'any') open.listen(0, () => {});
      else if (host === 'unix') open.listen({ path: where, backlog: 7, readableAll: true, writableAll: true });
      else if (host === 'v6') open.listen({ port: 0, host: '::', ipv6Only: true });
      else if (host === 'fd') open.listen({ fd: Number(where) });
      else open.listen(Number(where ?? 0), host, () => {});
      open.on('error', () => {});
      open.on('connection', (socket) => socket.resume());
    },
    tls: (host) => tls.createServer().listen(0, host, () => {}),
    bind(host) {
      if (host === 'v6') dgram.createSocket({ type: 'udp6', ipv6Only: true, reuseAddr: true }).bind(0, '::1');
      else dgram.createSocket('udp4').bind(0, host);
    },
    accept: () => {}, // it does, always
    close: () => open.close(),
    leave: () => cluster.worker.disconnect(),
    give(datagrams) {
      if (datagrams) {
        const socket = dgram.createSocket('udp4');
        socket.bind({ port: 0, address: '127.0.0.1', exclusive: true }, () => {
          process.send('yours', socket, () => socket.close());
        });
        return;
      }
      const server = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
        process.send('yours', server, () => server.close());
      });
    },
    yours() {},
  };
  process.send('ready'); // what comes before somebody listens is lost
  process.on('message', (order, socket) => {
    if (socket) socket.on('close', () => process.send('closed it')).destroy();
    if (typeof order !== 'string') return;
    const [word, ...words] = order.split(' ');
    orders[word](...words);
  });
}
