// The workers' half of the conformance tests in Node. A worker obeys orders, word by word as tests/conformance/obeys.rs does, unless
// its test has a part for it below.
import cluster from 'node:cluster';
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

const me = cluster.worker;
const test = process.env.CLUSTER_TEST.split('::').pop();
const part = process.env.CLUSTER_PART ?? '';
const open = [];
const say = (message, handle) => process.send(message, handle);

function listen(where, ...options) {
  const { only_v6, exclusive, reuse_port, readable_all, writable_all, backlog, max, drop } = Object.fromEntries(
    options.map((it) => [it.split(':')[0], it.split(':')[1] ?? true]));
  const server = net.createServer((connection) => {
    connection.on('error', () => {});
    if (max !== undefined) return connection.write(String(me.id)); // it stays
    connection.end(String(me.id));
  });
  if (max !== undefined) server.maxConnections = Number(max);
  if (drop) server.dropMaxConnection = true;
  const [, kind, rest] = /^(any|unix|fd|.*):(.*?)$/.exec(where);
  const at = { any: { port: Number(rest) }, unix: { path: rest }, fd: { fd: Number(rest) } }[kind] ??
    { host: kind.replace(/[[\]]/g, ''), port: Number(rest) };
  server.on('error', (error) => say(error.code));
  server.listen({
    ...at, ipv6Only: only_v6, exclusive, reusePort: reuse_port, backlog: Number(backlog ?? 511),
    readableAll: readable_all, writableAll: writable_all,
  }, () => {
    open.push(server);
    say('fd' in at ? 'fd' : String(server.address().port ?? server.address()));
  });
}

function bind(where, ...options) {
  const [, kind, rest] = /^(any|fd|.*):(.*?)$/.exec(where);
  const socket = dgram.createSocket({
    type: kind.startsWith('[') ? 'udp6' : 'udp4',
    reuseAddr: options.includes('reuse_address'),
    reusePort: options.includes('reuse_port'),
    ipv6Only: options.includes('only_v6'),
  });
  socket.seen = 0;
  socket.on('message', () => socket.emit('counted', ++socket.seen));
  socket.on('error', (error) => say(error.code));
  const at = kind === 'fd' ? { fd: Number(rest) } : { port: Number(rest) };
  if (kind !== 'any' && kind !== 'fd') at.address = kind.replace(/[[\]]/g, '');
  socket.bind({ ...at, exclusive: options.includes('exclusive') }, () => {
    open.push(socket);
    say(kind === 'fd' ? 'fd' : String(socket.address().port));
  });
}

function obey(order) {
  const [verb, ...words] = order.split(' ');
  const it = open[Number(words[0])];
  switch (verb) {
    case 'listen': return listen(...words);
    case 'bind': return bind(...words);
    case 'close': it.close(); return say('closed');
    case 'receive': {
      const enough = () => it.seen >= Number(words[1]) && (say(words[1]), true);
      const look = () => enough() && it.off('counted', look);
      return enough() || it.on('counted', look);
    }
    case 'send': {
      let left = Number(words[2]);
      for (let i = Number(words[2]); i > 0; i--) {
        it.send('datagram', Number(words[1]), '127.0.0.1', () => --left === 0 && say('sent'));
      }
      return;
    }
    case 'send_unbound': {
      const socket = dgram.createSocket('udp4');
      return socket.send('datagram', Number(words[0]), '127.0.0.1', () => { socket.close(); say('sent'); });
    }
    case 'echo': return say(words[0]);
    case 'cwd': return say(process.cwd());
    case 'args': return say(process.argv.at(-1));
    case 'env': return say(process.env[words[0]] ?? 'none');
    case 'leave': return me.disconnect();
    case 'kill': return me.kill();
    case 'hang_up': return process.disconnect();
    case 'exit': return process.exit(Number(words[0]));
    case 'throw': throw new Error('as told');
    case 'spin': for (;;);
    default: throw new Error(order);
  }
}

function obeys() {
  process.on('message', obey);
  say('ready');
}

// As in any book: it knows nothing of the cluster that it is in.
function serveHttp() {
  http.createServer((request, response) => response.end('hello')).listen(0);
}

const parts = {
  // lifecycle
  disconnect_leak() {
    net.createServer().listen(0, '127.0.0.1');
  },
  worker_destroy() {
    process.on('message', () => {
      if (part === 'connected') return me.kill();
      me.on('disconnect', () => me.kill());
      if (me.disconnect() !== me) process.exit(1);
    });
    say('ready');
  },
  worker_disconnect() {
    net.createServer().listen(0, '127.0.0.1', () => say('ready'));
    me.on('disconnect', () => process.exit(42));
  },
  worker_events() {
    const heard = [];
    for (const emitter of [process, me]) {
      emitter.on('message', (message) => {
        heard.push(message);
        if (heard.filter((it) => it === message).length === 2) say(message); // both heard it
      });
    }
    say('ready');
  },
  worker_forced_exit() {
    process.on('disconnect', () => process.exit(42)); // runs only when nothing forces the exit
    say('ready');
    if (part === 'forced') setInterval(() => {}, 60_000);
  },
  worker_isconnected() {
    me.on('disconnect', () => process.exit(me.isConnected() ? 1 : 7));
    process.on('message', () => {});
    if (me.isConnected()) say('ready');
  },
  worker_no_exit() {
    const [host, port] = part.split(':');
    net.connect(Number(port), host, () => say('ready')).on('data', () => {});
    process.on('message', () => {});
  },
  worker_wait_server_close() {
    const server = net.createServer((client) => {
      client.on('data', (data) => say(String(data)));
      say('connected');
    });
    // Nothing tells the program that it is asked to leave, but that its server closes.
    const close = server.close;
    server.close = (...args) => { say('asked to leave'); return close.apply(server, args); };
    server.listen(0, '127.0.0.1', () => say(String(server.address().port)));
  },
  // settings
  fork_stdio() {
    const pipe = new net.Socket({ fd: 4 });
    pipe.pipe(pipe);
    say('ready');
  },
  // TCP
  net_listen_handle_in_cluster_2() {
    me.on('disconnect', () => process.exit(0)); // its servers are its own, and would keep it
    const first = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const second = net.createServer().listen(first, () => say(String(second.address().port)));
    });
  },
  net_listen_twice() {
    const server = net.createServer((connection) => connection.end('served'));
    server.listen(0, '127.0.0.1');
    server.listen(0, '127.0.0.1', () => { say('ready'); say(String(server.address().port)); });
  },
  net_server_close_before_ipc_response() {
    net.createServer().listen(0, '127.0.0.1').close(() => { say('ready'); say('closed'); });
  },
  tls_ticket_cluster() {
    const server = tls.createServer().listen(0, '127.0.0.1', () => say(server.getTicketKeys().toString('hex')));
  },
  a_plain_node_http_server_is_served: serveHttp,
  a_plain_node_http_server_is_served_on_a_shared_socket: serveHttp,
  // UDP
  dgram_cluster_close_in_listening() {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => socket.close(() => say('ready')));
  },
  dgram_cluster_close_during_bind() {
    dgram.createSocket('udp4').on('listening', () => process.exit(1)).bind(0).close(() => say('ready'));
  },
  dgram_bind_socket_close_before_cluster_reply() {
    dgram.createSocket('udp4').on('error', () => process.exit(1)).bind(Number(part)).close(() => say('ready'));
  },
  // Unix
  http_pipe() {
    http.createServer((request, response) => {
      const { remoteAddress, localAddress } = request.socket;
      response.end(remoteAddress === undefined && localAddress === undefined ? 'a client without an address' : 'no');
    }).listen(part, () => say('ready'));
  },
  // Handles
  net_send() {
    const [host, port] = part.split(':');
    const connection = net.connect({ host, port: Number(port) }, () => {
      say('ready');
      say('a connection', connection);
    });
    process.on('message', () => {});
  },
  async send_deadlock() {
    let number = 0;
    process.on('message', (message, handle) => {
      if (message === 'that was all') return number === 20 || process.exit(1);
      if (message !== number++ || !handle) process.exit(1);
      handle.destroy();
    });
    say('ready');
    const server = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    for (let i = 0; i < 20; i++) {
      const accepted = once(server, 'connection');
      net.connect(server.address().port, '127.0.0.1').on('error', () => {}).unref();
      say(i, (await accepted)[0]);
    }
    server.close();
  },
  send_handle_twice() {
    const seen = [];
    process.on('message', (message, handle) => {
      seen.push(`${message} ${handle ? 'with' : 'without'}`);
      handle?.destroy();
      if (seen.length === 2) say(seen.join(', '));
    });
    say('ready');
  },
  send_handle_large_payload() {
    process.on('message', say);
    say('ready');
  },
  net_listen_handle_in_cluster_1() {
    process.on('message', (message, server) => {
      if (message === null) server.on('connection', (connection) => connection.end('served'));
    });
    say('ready');
  },
  child_process_fork_closed_channel_segfault() {
    process.on('message', () => {});
    say('ready');
  },
  // Errors
  ipc_throw() {
    const [host, port] = part.split(':');
    net.createServer().listen(Number(port), host).on('error', (error) => {
      if (error.code !== 'EADDRINUSE') process.exit(2);
      me.disconnect();
      me.on('disconnect', () => { throw new Error('while it leaves'); });
    });
  },
};
setTimeout(() => process.exit(9), 60_000).unref(); // whatever keeps it
(parts[test] ?? obeys)();
