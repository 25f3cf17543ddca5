// The primary's half of the conformance tests in Node: one scenario per test, the same as in tests/conformance/*.rs. Its workers are
// the program in WORKER.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

process.execPath = process.env.WORKER;
cluster.setupPrimary({ execArgv: [] });
const test = process.env.CLUSTER_TEST.split('::').pop();

// What each worker says and how it ends, kept until somebody asks.
function start(part = '', env = {}) {
  const worker = cluster.fork({ CLUSTER_PART: part, ...env });
  worker.inbox = [];
  worker.wants = [];
  worker.on('error', (error) => assert.ok(['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED'].includes(error.code), error));
  worker.on('message', (message, handle) => {
    worker.inbox.push([message, handle]);
    while (worker.inbox.length > 0 && worker.wants.length > 0) worker.wants.shift()(worker.inbox.shift());
  });
  worker.told = [];
  for (const name of ['online', 'listening', 'disconnect']) worker.on(name, () => worker.told.push(name));
  worker.ended = new Promise((resolve) => worker.on('exit', (code, signal) => {
    worker.told.push('exit');
    resolve([code, signal, worker.exitedAfterDisconnect]);
  }));
  worker.disconnected = new Promise((resolve) => worker.on('disconnect', resolve)); // `once` would reject at an error
  return worker;
}
const hearsAll = (worker) => new Promise((resolve) => {
  if (worker.inbox.length > 0) resolve(worker.inbox.shift());
  else worker.wants.push(resolve);
});
const hears = async (worker) => (await hearsAll(worker))[0];
async function fork(part, env) {
  const worker = start(part, env);
  assert.equal(await hears(worker), 'ready');
  return worker;
}
const some = (count) => Promise.all(Array.from({ length: count }, () => fork()));
function tell(worker, order) {
  worker.send(order);
  return hears(worker);
}
// What a client reads there, to the end.
const ask = (at, host = '127.0.0.1') => new Promise((resolve, reject) => {
  let text = '';
  const client = Number(at) > 0 ? net.connect(Number(at), host) : net.connect(at);
  client.on('data', (data) => { text += data; }).on('end', () => resolve(text)).on('error', reject);
});
const refused = (at) => assert.rejects(ask(at), { code: /ECONNREFUSED|ENOENT/ });
async function leaves(...workers) {
  for (const worker of workers) worker.disconnect();
  for (const worker of workers) assert.deepEqual(await worker.ended, [0, null, true]);
}
async function free(host = '127.0.0.1') { // a port that nobody has, held until it is closed
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  return [server, server.address().port];
}
const closed = (server) => new Promise((resolve) => server.close(resolve));
function directory() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'cluster-'));
  process.on('exit', () => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}
const gone = (pid) => assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });

async function unshared(listen) {
  const [bound, idle] = await some(2);
  await tell(bound, listen);
  await leaves(idle);
  cluster.disconnect();
  assert.deepEqual(await bound.ended, [0, null, true]);
}
async function killed(kill) {
  const worker = await fork();
  const { pid } = worker.process;
  await tell(worker, 'listen 127.0.0.1:0');
  kill(worker);
  assert.deepEqual(await worker.ended, [null, 'SIGKILL', false]);
  assert.deepEqual([worker.process.exitCode, worker.process.signalCode], [null, 'SIGKILL']);
  assert.deepEqual(worker.told, ['online', 'listening', 'disconnect', 'exit']);
  assert.deepEqual(Object.keys(cluster.workers), []);
  gone(pid);
}

async function restarts() {
  const [one, two] = await some(2);
  const port = await tell(one, 'listen 127.0.0.1:0');
  assert.equal(await tell(two, 'listen 127.0.0.1:0'), port);
  await tell(two, 'close 0');
  assert.equal(await tell(two, 'listen 127.0.0.1:0'), port);
  two.send('leave');
  assert.deepEqual(await two.ended, [0, null, true]);
  assert.equal(await ask(port), '1');
  await leaves(one);
}
async function onlyV6() {
  const infos = [];
  cluster.on('listening', (worker, info) => infos.push(info));
  const workers = await some(2);
  const ports = [];
  for (const worker of workers) ports.push(await tell(worker, 'listen [::]:0 only_v6'));
  while (infos.length < 2) await once(cluster, 'listening');
  assert.deepEqual(infos[0], infos[1]);
  assert.deepEqual([infos[0].addressType, infos[0].address, infos[0].port], [6, '::', Number(ports[0])]);
  const free = net.createServer().listen(Number(ports[0]), '0.0.0.0');
  await once(free, 'listening');
  free.close();
  assert.ok(await ask(ports[0], '::1') > 0);
  await leaves(...workers);
}
async function sharesWithoutAsking(verb) {
  cluster.on('listening', () => assert.fail('the primary was asked'));
  const worker = await fork();
  const port = await tell(worker, `${verb} 127.0.0.1:0 reuse_port`);
  assert.ok(port > 0);
  assert.equal(await tell(worker, `${verb} 127.0.0.1:${port} reuse_port`), port);
  await leaves(worker);
}
async function receiver() {
  const seen = [];
  const socket = dgram.createSocket('udp4').on('message', (data, from) => seen.push(from.port)).bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return [socket, seen];
}
async function eachReceivesTen(workers, port) {
  const socket = dgram.createSocket('udp4');
  const sending = setInterval(() => socket.send('datagram', Number(port), '127.0.0.1', () => {}), 1);
  await Promise.all(workers.map(async (worker) => {
    assert.equal(await tell(worker, 'receive 0 10'), '10');
    await leaves(worker);
  }));
  clearInterval(sending);
  socket.close();
}

async function pair() { // both ends of a connection
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = net.connect(server.address().port, '127.0.0.1').on('error', () => {});
  return [client, (await accepted)[0], server];
}
async function privileged() {
  const worker = await fork();
  process.seteuid(65534); // the primary binds, so its rights count
  assert.equal(await tell(worker, 'listen 127.0.0.1:42'), 'EACCES');
  process.seteuid(0);
  worker.send('leave');
  assert.deepEqual(await worker.ended, [0, null, true]);
}

const scenarios = {
  // lifecycle
  async basic() {
    const seen = [];
    for (const name of ['fork', 'online', 'listening', 'exit']) cluster.on(name, (it) => seen.push([name, it.id]));
    const worker = start();
    assert.equal(worker.id, 1);
    assert.equal(worker.state, 'none');
    assert.equal(await hears(worker), 'ready');
    assert.equal(worker.state, 'online');
    assert.equal(await tell(worker, 'env NODE_UNIQUE_ID'), 'none');
    const listening = once(cluster, 'listening');
    worker.send('listen 127.0.0.1:0');
    const [who, info] = await listening;
    assert.equal(who, worker);
    assert.equal(worker.state, 'listening');
    assert.deepEqual(Object.keys(info).sort(), ['address', 'addressType', 'fd', 'port']);
    assert.deepEqual([info.address, info.addressType, info.fd], ['127.0.0.1', 4, undefined]);
    assert.ok(info.port > 0 && info.port < 65536);
    await leaves(worker);
    assert.equal(worker.state, 'dead');
    await worker.disconnected; // a busy Node tells it after the exit
    assert.deepEqual(seen, ['fork', 'online', 'listening', 'exit'].map((name) => [name, 1]));
    assert.deepEqual(worker.told.slice(0, 2), ['online', 'listening']);
    assert.deepEqual(worker.told.slice(2).sort(), ['disconnect', 'exit']);
  },
  async call_and_destroy() {
    const worker = await fork();
    worker.send('leave');
    await worker.disconnected;
    assert.equal(worker.isConnected(), false);
    worker.destroy();
    await worker.ended;
  },
  async concurrent_disconnect() {
    const workers = await some(6);
    workers.forEach((worker, i) => {
      if (i < 2) worker.send('leave');
      else if (i < 4) worker.send('kill');
      worker.disconnect();
      worker.disconnect();
    });
    for (const worker of workers) assert.deepEqual(await worker.ended, [0, null, true]);
  },
  async disconnect_before_exit() {
    const worker = await fork();
    worker.disconnect();
    await worker.disconnected;
    cluster.disconnect();
    assert.deepEqual(await worker.ended, [0, null, true]);
  },
  async disconnect_exitedAfterDisconnect_race() {
    const worker = await fork();
    worker.send('leave');
    await worker.disconnected;
    assert.equal(worker.exitedAfterDisconnect, true);
    assert.deepEqual(await worker.ended, [0, null, true]);
  },
  async disconnect_idle_worker() {
    await some(2);
    await new Promise((resolve) => cluster.disconnect(resolve));
    assert.deepEqual(Object.keys(cluster.workers), []);
  },
  async disconnect_leak() {
    const worker = start();
    worker.disconnect();
    await worker.disconnected;
    assert.deepEqual(await worker.ended, [0, null, true]);
  },
  async disconnect_race() {
    const one = await fork();
    await tell(one, 'listen 127.0.0.1:0');
    const two = start();
    await once(two, 'online');
    one.disconnect();
    assert.equal(await hears(two), 'ready');
    two.disconnect();
    for (const worker of [one, two]) assert.deepEqual(await worker.ended, [0, null, true]);
  },
  disconnect_unshared_tcp: () => unshared('listen 127.0.0.1:0'),
  disconnect_unshared_udp: () => unshared('bind 127.0.0.1:0'),
  async kill_disconnect() {
    for (const how of ['leave', 'kill']) {
      const worker = await fork();
      worker.send(how);
      await worker.disconnected;
      assert.equal(worker.exitedAfterDisconnect, true);
      assert.deepEqual(await worker.ended, [0, null, true]);
    }
  },
  async kill_infinite_loop() {
    const worker = await fork();
    worker.send('spin');
    worker.process.kill();
    assert.deepEqual(await worker.ended, [null, 'SIGTERM', false]);
  },
  async message() {
    const worker = await fork();
    const heard = once(cluster, 'message');
    assert.equal(await tell(worker, 'echo hello'), 'hello');
    assert.deepEqual((await heard).slice(0, 2), [worker, 'hello']);
    await leaves(worker);
  },
  async process_disconnect() {
    const worker = await fork();
    await tell(worker, 'listen 127.0.0.1:0');
    worker.send('hang_up');
    assert.deepEqual(await worker.ended, [0, null, false]);
  },
  async worker_death() {
    const worker = await fork();
    worker.send('exit 42');
    assert.deepEqual(await worker.ended, [42, null, false]);
  },
  async worker_destroy() {
    for (const how of ['connected', 'disconnected']) {
      const worker = await fork(how);
      worker.send('go');
      assert.deepEqual(await worker.ended, [0, null, true]);
      assert.deepEqual(worker.told, ['online', 'disconnect', 'exit']);
    }
  },
  async worker_disconnect() {
    const worker = await fork();
    const { pid } = worker.process;
    assert.equal(worker.disconnect(), worker);
    await worker.disconnected;
    assert.deepEqual([worker.exitedAfterDisconnect, worker.state], [true, 'disconnected']);
    assert.deepEqual(await worker.ended, [42, null, true]);
    gone(pid);
  },
  async worker_events() {
    const worker = await fork();
    assert.equal(await tell(worker, 'once'), 'once');
    assert.equal(await tell(worker, 'enough'), 'enough');
    await leaves(worker);
  },
  async worker_exit() {
    const worker = await fork();
    const { pid } = worker.process;
    await tell(worker, 'listen 127.0.0.1:0');
    worker.send('exit 42');
    await worker.disconnected;
    assert.deepEqual([worker.exitedAfterDisconnect, worker.state], [false, 'disconnected']);
    assert.deepEqual(await worker.ended, [42, null, false]);
    assert.deepEqual(worker.told, ['online', 'listening', 'disconnect', 'exit']);
    gone(pid);
  },
  async worker_forced_exit() {
    const own = await fork('goes on');
    own.disconnect();
    assert.deepEqual(await own.ended, [42, null, true]);
    const forced = await fork('forced');
    forced.process.disconnect();
    assert.deepEqual(await forced.ended, [0, null, false]);
  },
  async worker_init() {
    const worker = await fork();
    assert.equal(await tell(worker, 'echo hello'), 'hello');
    assert.equal(worker.disconnect(), worker);
    assert.deepEqual(await worker.ended, [0, null, true]);
  },
  async worker_isconnected() {
    const worker = start();
    assert.equal(worker.isConnected(), true);
    await hears(worker);
    worker.disconnect();
    await worker.disconnected;
    assert.equal(worker.isConnected(), false);
    assert.deepEqual(await worker.ended, [7, null, true]);
  },
  async worker_isdead() {
    const worker = start();
    assert.equal(worker.isDead(), false);
    await hears(worker);
    worker.kill();
    await worker.ended;
    assert.equal(worker.isDead(), true);
  },
  worker_kill_signal: () => killed((worker) => worker.kill('SIGKILL')),
  worker_kill: () => killed((worker) => worker.process.kill('SIGKILL')),
  async worker_no_exit() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const worker = await fork(`127.0.0.1:${server.address().port}`);
    const [connection] = await connected;
    worker.disconnect();
    await worker.disconnected;
    assert.equal(worker.isDead(), false);
    connection.end('bye');
    assert.deepEqual(await worker.ended, [0, null, true]);
    server.close();
  },
  async worker_wait_server_close() {
    const worker = start();
    const client = net.connect(Number(await hears(worker)), '127.0.0.1');
    assert.equal(await hears(worker), 'connected');
    worker.disconnect();
    assert.equal(await hears(worker), 'asked to leave');
    assert.ok(worker.process.connected);
    client.end('the last words');
    assert.equal(await hears(worker), 'the last words');
    assert.deepEqual(await worker.ended, [0, null, true]);
  },
  // settings
  async cwd() {
    const one = await fork();
    assert.equal(await tell(one, 'cwd'), process.cwd());
    cluster.setupPrimary({ cwd: '/proc' });
    const two = await fork();
    assert.equal(await tell(two, 'cwd'), '/proc');
    await leaves(one, two);
  },
  async fork_env() {
    const worker = await fork('', { T_NEW: 'new', T_OVER: 'over' });
    for (const [name, value] of [['NEW', 'new'], ['OVER', 'over'], ['KEPT', 'kept']]) {
      assert.equal(await tell(worker, `env T_${name}`), value);
    }
    await leaves(worker);
  },
  async fork_stdio() {
    cluster.setupPrimary({ stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'] });
    const worker = await fork();
    const pipe = worker.process.stdio[4];
    let text = '';
    pipe.on('data', (data) => { text += data; });
    pipe.end('there and back');
    await once(pipe, 'end');
    assert.equal(text, 'there and back');
    await leaves(worker);
  },
  async setup_primary_argv() {
    for (const argument of ['now', 'then']) {
      process.argv.push(argument);
      cluster.settings = {};
      cluster.setupPrimary({ execArgv: [] });
      const worker = await fork();
      assert.equal(await tell(worker, 'args'), argument);
      await leaves(worker);
    }
  },
  async setup_primary() {
    cluster.setupPrimary({ args: ['custom argument'], silent: true });
    const worker = await fork();
    assert.equal(await tell(worker, 'args'), 'custom argument');
    let printed = '';
    worker.process.stderr.on('data', (data) => { printed += data; });
    worker.send('throw');
    await worker.ended;
    if (!worker.process.stderr.readableEnded) await once(worker.process.stderr, 'end');
    assert.match(printed, /as told/);
  },
  // TCP
  async child_index_net() {
    const worker = await fork();
    for (const round of [0, 2, 4]) {
      for (let i = 0; i < 2; i++) assert.ok(await tell(worker, 'listen 127.0.0.1:0') > 0);
      for (const number of [round, round + 1]) assert.equal(await tell(worker, `close ${number}`), 'closed');
    }
    await leaves(worker);
  },
  async disconnect() {
    for (let round = 0; round < 2; round++) {
      const workers = await some(8);
      const ports = new Set();
      for (let i = 0; i < 2; i++) for (const worker of workers) ports.add(await tell(worker, 'listen 127.0.0.1:0'));
      assert.equal(ports.size, 2);
      for (const port of ports) assert.ok(await ask(port) > 0);
      cluster.disconnect();
      for (const worker of workers) assert.deepEqual(await worker.ended, [0, null, true]);
      for (const port of ports) await refused(port);
    }
  },
  async listening_port() {
    const worker = await fork();
    const listening = once(cluster, 'listening');
    worker.send('listen 127.0.0.1:0');
    const [, { port }] = await listening;
    assert.ok(Number.isInteger(port) && port > 0);
    assert.equal(await ask(port), '1');
    await leaves(worker);
  },
  async net_listen_backlog() {
    const worker = await fork();
    const port = await tell(worker, 'listen 127.0.0.1:0 backlog:3');
    // While the primary does not look, the kernel keeps three, and one more.
    const clients = `const clients = Array.from({ length: 8 }, () => require('node:net').connect(${port}, '127.0.0.1'));
      setTimeout(() => { console.log(clients.filter((it) => !it.connecting).length); process.exit(); }, 400);`;
    assert.equal(Number(spawnSync('node', ['-e', clients]).stdout), 4);
    await leaves(worker);
  },
  async net_listen_ipv6only_false() {
    const workers = await some(3);
    const ports = new Set(await Promise.all(workers.map((it) => tell(it, 'listen [::]:0'))));
    assert.equal(ports.size, 1);
    assert.ok(await ask([...ports][0]) > 0);
    await leaves(...workers);
  },
  async net_listen() {
    const worker = await fork();
    assert.equal(await ask(await tell(worker, 'listen any:0')), '1');
    await leaves(worker);
  },
  net_reuseport: () => sharesWithoutAsking('listen'),
  server_restart_none: restarts,
  server_restart_rr: restarts,
  async shared_leak() {
    const workers = await some(2);
    const ports = await Promise.all(workers.map((it) => tell(it, 'listen 127.0.0.1:0 max:9')));
    assert.equal(ports[0], ports[1]);
    const client = net.connect(Number(ports[0]), '127.0.0.1');
    await once(client, 'data');
    for (const worker of workers) worker.disconnect();
    client.destroy();
    for (const worker of workers) assert.deepEqual(await worker.ended, [0, null, true]);
  },
  net_listen_ipv6only_none: onlyV6,
  net_listen_ipv6only_rr: onlyV6,
  async port_reuse_between_workers() {
    const [one, two] = await some(2);
    const port = await tell(one, 'listen 127.0.0.1:0');
    await tell(one, 'close 0');
    const listen = `listen 127.0.0.1:${port}`;
    assert.equal(await tell(one, listen), port);
    assert.equal(await tell(one, listen), 'EADDRINUSE');
    await tell(one, 'close 1');
    assert.equal(await tell(two, listen), port);
    assert.equal(await tell(one, listen), port);
    await leaves(one, two);
  },
  async net_listen_exclusive_random_ports() {
    const workers = await some(2);
    const [one, two] = await Promise.all(workers.map((it) => tell(it, 'listen 127.0.0.1:0 exclusive')));
    assert.ok(one > 0 && two > 0);
    assert.notEqual(one, two);
    await leaves(...workers);
  },
  async net_listen_shared_ports() {
    const [one, two] = await some(2);
    const port = await tell(one, 'listen 127.0.0.1:0');
    assert.equal(await tell(two, 'listen 127.0.0.1:0'), port);
    const alone = await tell(one, 'listen 127.0.0.1:0 exclusive');
    assert.equal(await tell(two, `listen 127.0.0.1:${alone} exclusive`), 'EADDRINUSE');
    await leaves(one, two);
  },
  async net_listen_handle_in_cluster_2() {
    cluster.on('listening', () => assert.fail('the primary was asked'));
    const worker = start();
    assert.ok(await hears(worker) > 0);
    await leaves(worker);
  },
  async listen_fd_cluster() {
    const worker = await fork();
    assert.equal(await tell(worker, `listen fd:${process.env.T_FD}`), 'fd');
    assert.equal(await ask(process.env.T_PORT), '1');
    await leaves(worker);
  },
  async cluster_eaddrinuse() {
    const worker = await fork();
    const [taken, port] = await free();
    assert.equal(await tell(worker, `listen 127.0.0.1:${port}`), 'EADDRINUSE');
    await closed(taken);
    assert.equal(await tell(worker, `listen 127.0.0.1:${port}`), String(port));
    await leaves(worker);
  },
  // UDP
  async child_index_dgram() {
    const worker = await fork();
    for (const round of [0, 2]) {
      for (let i = 0; i < 2; i++) assert.ok(await tell(worker, 'bind any:0') > 0);
      for (const number of [round, round + 1]) assert.equal(await tell(worker, `close ${number}`), 'closed');
    }
    await leaves(worker);
  },
  async dgram_1() {
    const workers = await some(4);
    const ports = new Set();
    for (const worker of workers) ports.add(await tell(worker, 'bind any:0'));
    assert.equal(ports.size, 1);
    await eachReceivesTen(workers, [...ports][0]);
  },
  async dgram_2() {
    const workers = await some(4);
    const [socket, seen] = await receiver();
    for (const worker of workers) {
      await tell(worker, 'bind any:0');
      assert.equal(await tell(worker, `send 0 ${socket.address().port} 10`), 'sent');
    }
    while (seen.length < 40) await once(socket, 'message');
    assert.equal(new Set(seen).size, 1, 'all by one socket');
    socket.close();
    await leaves(...workers);
  },
  async dgram_bind_fd() {
    const workers = await some(4);
    for (const worker of workers) assert.equal(await tell(worker, `bind fd:${process.env.T_FD}`), 'fd');
    await eachReceivesTen(workers, process.env.T_PORT);
  },
  async dgram_ipv6only() {
    const worker = await fork();
    const port = await tell(worker, 'bind [::]:0 only_v6');
    assert.ok(port > 0);
    assert.equal(await tell(worker, `bind 0.0.0.0:${port}`), port);
    await leaves(worker);
  },
  async dgram_reuse() {
    const worker = await fork();
    const port = await tell(worker, 'bind 0.0.0.0:0 reuse_address');
    assert.ok(port > 0);
    assert.equal(await tell(worker, `bind 0.0.0.0:${port} reuse_address`), port);
    await leaves(worker);
  },
  dgram_reuseport: () => sharesWithoutAsking('bind'),
  async dgram_bind_shared_ports() {
    const [one, two] = await some(2);
    const port = await tell(one, 'bind 127.0.0.1:0');
    assert.equal(await tell(two, 'bind 127.0.0.1:0'), port);
    await tell(one, 'close 0');
    await tell(two, 'close 0');
    assert.equal(await tell(one, `bind 127.0.0.1:${port}`), port);
    assert.equal(await tell(two, `bind 127.0.0.1:${port}`), port);
    const alone = await tell(one, 'bind 127.0.0.1:0 exclusive');
    assert.notEqual(alone, port);
    assert.equal(await tell(two, `bind 127.0.0.1:${alone} exclusive`), 'EADDRINUSE');
    await leaves(one, two);
  },
  async dgram_exclusive_implicit_bind() {
    const workers = await some(4);
    const [socket, seen] = await receiver();
    const to = socket.address().port;
    for (const worker of workers.slice(0, 2)) {
      await tell(worker, 'bind any:0');
      await tell(worker, `send 0 ${to} 1`);
    }
    for (const worker of workers.slice(2)) await tell(worker, `send_unbound ${to}`);
    while (seen.length < 4) await once(socket, 'message');
    assert.equal(new Set(seen).size, 3);
    socket.close();
    await leaves(...workers);
  },
  async dgram_cluster_close_in_listening() {
    await leaves(await fork());
  },
  async dgram_cluster_bind_error() {
    const worker = await fork();
    const taken = dgram.createSocket('udp4').bind({ port: 0, exclusive: true });
    await once(taken, 'listening');
    const { port } = taken.address();
    assert.equal(await tell(worker, `bind any:${port}`), 'EADDRINUSE');
    taken.close();
    await once(taken, 'close');
    assert.equal(await tell(worker, `bind any:${port}`), String(port));
    await leaves(worker);
  },
  async dgram_bind_shared_ports_after_port_0() {
    const [one, two] = await some(2);
    const port = await tell(one, 'bind any:0');
    assert.equal(await tell(two, `bind any:${port}`), 'EADDRINUSE');
    await leaves(one, two);
  },
  // Unix
  async eaccess() {
    const socket = path.join(directory(), 'socket');
    const taken = net.createServer().listen(socket);
    await once(taken, 'listening');
    const worker = await fork();
    assert.equal(await tell(worker, `listen unix:${socket}`), 'EADDRINUSE');
    await leaves(worker);
    taken.close();
  },
  async http_pipe() {
    const socketPath = path.join(directory(), 'socket');
    const worker = await fork(socketPath);
    const [response] = await once(http.get({ socketPath, headers: { connection: 'close' } }), 'response');
    let text = '';
    for await (const data of response) text += data;
    assert.deepEqual([response.statusCode, text], [200, 'a client without an address']);
    await leaves(worker);
    assert.ok(!fs.existsSync(socketPath));
  },
  async listen_pipe_readable_writable() {
    const socket = path.join(directory(), 'socket');
    const worker = await fork();
    await tell(worker, `listen unix:${socket} readable_all writable_all`);
    assert.equal(fs.statSync(socket).mode & 0o666, 0o666);
    assert.equal(await ask(socket), '1');
    await leaves(worker);
  },
  async net_listen_relative_path() {
    const long = path.join(directory(), 'd'.repeat(100));
    fs.mkdirSync(path.join(long, 'in'), { recursive: true });
    process.chdir(long);
    cluster.setupPrimary({ cwd: path.join(long, 'in') });
    const worker = await fork();
    await tell(worker, 'listen unix:s');
    assert.equal(await ask('in/s'), '1');
    await leaves(worker);
    assert.ok(!fs.existsSync('in/s'));
  },
  // Handles
  async net_send() {
    const server = net.createServer((connection) => connection.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const worker = await fork(`127.0.0.1:${server.address().port}`);
    const [, connection] = await hearsAll(worker);
    let text = '';
    for await (const data of connection) text += data;
    assert.equal(text, 'hello');
    await leaves(worker);
    server.close();
  },
  async send_deadlock() {
    const worker = await fork();
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (let i = 0; i < 20; i++) {
      const accepted = once(server, 'connection');
      net.connect(server.address().port, '127.0.0.1').on('error', () => {});
      worker.send(i, (await accepted)[0]);
    }
    worker.send('that was all');
    for (let i = 0; i < 20; i++) {
      const [message, handle] = await hearsAll(worker);
      assert.equal(message, i);
      handle.destroy();
    }
    await leaves(worker);
    process.exit();
  },
  async send_handle_twice() {
    const worker = await fork();
    const [client, socket, server] = await pair();
    worker.send('first', socket);
    worker.send('second', socket);
    assert.equal(await hears(worker), 'first with, second without');
    client.destroy();
    server.close();
    await leaves(worker);
    process.exit();
  },
  async send_handle_large_payload() {
    const worker = await fork();
    const [client, socket, server] = await pair();
    const text = '0123'.repeat(200_001);
    worker.send(text, socket);
    const [back, handle] = await hearsAll(worker);
    assert.ok(back === text);
    client.write('!'); // not before: Node reads from a socket that it has
    assert.equal(String((await once(handle, 'data'))[0]), '!');
    client.destroy();
    handle.destroy();
    server.close();
    await leaves(worker);
    process.exit();
  },
  async net_listen_handle_in_cluster_1() {
    const worker = await fork();
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    await new Promise((resolve) => worker.send(null, server, resolve));
    await closed(server);
    assert.equal(await ask(port), 'served');
    await leaves(worker);
  },
  async child_process_fork_closed_channel_segfault() {
    const worker = await fork();
    const server = net.createServer((connection) => {
      connection.on('error', () => {});
      worker.send('a socket', connection, () => {}); // an error there is harmless
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (let i = 0; i < 20; i++) net.connect(server.address().port, '127.0.0.1').on('error', () => {});
    await once(server, 'connection');
    worker.kill('SIGKILL');
    assert.deepEqual(await worker.ended, [null, 'SIGKILL', false]);
    process.exit();
  },
  // Errors
  bind_privileged_port: privileged,
  shared_handle_bind_privileged_port: privileged,
  async bind_twice() {
    const worker = await fork();
    const port = process.argv[2] ?? '0';
    const told = await tell(worker, `listen 127.0.0.1:${port}`);
    console.log(told);
    if (port === '0') {
      await once(process.stdin, 'data');
      process.stdin.destroy();
      console.log(await ask(told));
    }
    await leaves(worker);
  },
  async ipc_throw() {
    const [taken, port] = await free();
    const worker = start(`127.0.0.1:${port}`);
    assert.deepEqual(await worker.ended, [101, null, true]);
    taken.close();
  },
  async shared_handle_bind_error() {
    const [taken, port] = await free();
    const worker = await fork();
    assert.equal(await tell(worker, `listen 127.0.0.1:${port}`), 'EADDRINUSE');
    await leaves(worker);
    taken.close();
  },
  async worker_disconnect_on_error() {
    const [taken, port] = await free();
    const worker = await fork();
    assert.equal(await tell(worker, `listen 127.0.0.1:${port}`), 'EADDRINUSE');
    worker.send('leave');
    assert.deepEqual(await worker.ended, [0, null, true]);
    taken.close();
  },
  // Death
  async primary_error() {
    await some(2);
    throw new Error('on purpose');
  },
  async primary_kill() {
    const worker = await fork();
    await tell(worker, 'listen 127.0.0.1:0');
    fs.writeSync(1, 'ready\n');
    process.exit(0);
  },
  // Tolerance
  async invalid_message() {
    const worker = await fork();
    worker.send({ cmd: 'NODE_CLUSTER', ack: -1 });
    assert.equal(await tell(worker, 'echo alive'), 'alive');
    await leaves(worker);
  },
  async worker_handle_close() {
    const worker = await fork();
    const [client, socket, server] = await pair();
    worker.send({ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'nobody', seq: 1 << 20 }, socket);
    assert.deepEqual(await client.toArray(), []);
    assert.equal(await tell(worker, 'echo alive'), 'alive');
    server.close();
    await leaves(worker);
    process.exit();
  },
  async messages_of_node_s_own_that_nobody_knows_change_nothing() {
    const worker = await fork();
    worker.send({ cmd: 'NODE_NONSENSE' });
    worker.send({ cmd: 'NODE_CLUSTER', act: 'fly', seq: 1 << 20 });
    worker.send({ cmd: 'NODE_CLUSTER' });
    assert.equal(await tell(worker, 'echo alive'), 'alive');
    await leaves(worker);
  },
};
setTimeout(() => process.exit(9), 60_000).unref(); // whatever keeps it
await scenarios[test]();
