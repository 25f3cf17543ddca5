//! Node's `cluster`, in Rust: one program, many processes, one port.
//!
//! The primary forks workers and is told what happens to them. A worker is the same program,
//! started again from the top; it talks to the primary over a channel, and listens where its
//! siblings listen.
//!
//! ```no_run
//! use std::io::Write;
//! use std::time::Duration;
//!
//! use cluster::{Error, Event, RestartPolicy, Role, Signal};
//!
//! fn main() -> Result<(), Error> {
//!     match cluster::role()? {
//!         Role::Primary(mut primary) => {
//!             primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
//!             for _ in 0..cluster::available_parallelism() {
//!                 primary.fork()?;
//!             }
//!             let mut restart =
//!                 RestartPolicy::back_off(Duration::from_millis(100), Duration::from_secs(10));
//!             while let Some(event) = primary.next_event()? {
//!                 match event {
//!                     Event::Listening(worker, address) => println!("{worker} is on {address}"),
//!                     Event::ListenFailed { worker, error } => eprintln!("{worker}: {error:#}"),
//!                     Event::ForkFailed { error, .. } => eprintln!("{error:#}"), // tried again
//!                     Event::Exit { worker, exit, voluntary: false } => {
//!                         eprintln!("{worker} {exit}; {}", restart.after(worker, &mut primary));
//!                     }
//!                     Event::Signal(_) => primary.begin_shutdown(Duration::from_secs(10)),
//!                     _ => {}
//!                 }
//!             }
//!         }
//!         Role::Worker(mut me) => {
//!             let listener = match me.listen("127.0.0.1:3000") {
//!                 Err(Error::Leaving) => return Ok(()), // asked to stop before it could begin
//!                 listener => listener?,
//!             };
//!             for connection in listener.incoming() {
//!                 // A client that has gone away again is no reason to stop.
//!                 let _ = writeln!(connection?, "hello from {}", me.id());
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! An [`Error`] that `main` returns says what happened, and what to do about it. No `?` above ends
//! the service because of what a worker does.
//!
//! The channel speaks Node's own protocol: a Node program can be a worker of a Rust primary
//! ([`Settings::exec`]), and a Rust program a worker of a Node primary (`process.execPath`).
//!
//! # From Node to here
//!
//! | Node | here | file |
//! |---|---|---|
//! | `cluster.isPrimary`, `isWorker` | [`role`], [`is_primary`], [`is_worker`] | `role.rs` |
//! | `cluster.setupPrimary()`, `cluster.settings` | [`Primary::setup`], [`Primary::settings`], [`Settings`] | `settings.rs` |
//! | `cluster.fork(env)` | [`Primary::fork`], [`Primary::fork_with`], [`Primary::fork_after`] | `primary/forks.rs`, `spawn.rs` |
//! | `cluster.workers`, `worker.id`, `worker.process.pid` | [`Primary::workers`], [`WorkerId`], [`Primary::pid`] | `primary/mod.rs` |
//! | `worker.state`, `isConnected()`, `isDead()`, `exitedAfterDisconnect` | [`Primary::state`], [`Primary::is_connected`], [`Primary::is_dead`], [`Primary::exited_after_disconnect`] | `primary/mod.rs` |
//! | `cluster.on(…)`, `worker.on(…)` in the primary | [`Primary::next_event`], [`Event`] | `primary/turn.rs`, `primary/event.rs` |
//! | `worker.send(message, handle)` | [`Primary::send`], [`Primary::send_with`], [`Primary::broadcast`] | `primary/send.rs` |
//! | `worker.disconnect()`, `cluster.disconnect()` | [`Primary::disconnect`], [`Primary::disconnect_all`], [`Primary::begin_shutdown`], [`Primary::stop_accepting`] | `primary/mod.rs`, `primary/stopping.rs` |
//! | `worker.kill(signal)` in the primary | [`Primary::kill`] | `primary/mod.rs` |
//! | `cluster.schedulingPolicy`, `SCHED_RR`, `SCHED_NONE` | [`Primary::set_scheduling_policy`], [`SchedulingPolicy`] | `policy.rs`, `primary/switchboard/rotation.rs` |
//! | `process.on('message')` | [`Worker::recv`], [`Worker::next_event`] | `worker/mod.rs` |
//! | `process.send(message, handle)` | [`Worker::send`], [`Worker::send_with`] | `worker/mod.rs` |
//! | `net.createServer().listen()` in a worker | [`Worker::listen`], [`Worker::listen_unix`], [`Listener`] | `worker/asking.rs`, `worker/listener.rs` |
//! | `dgram.createSocket().bind()` in a worker | [`Worker::bind_udp`], [`Datagrams`] | `worker/datagrams.rs` |
//! | `cluster.worker.disconnect()`, `kill()` | [`Worker::disconnect`], [`Worker::kill`] | `worker/mod.rs` |
//! | `cluster.on('exit', () => cluster.fork())` | [`RestartPolicy`] | `restart.rs` |
//! | `os.availableParallelism()` | [`available_parallelism`] | `cpus.rs` |
//!
//! `CONFORMANCE.md` beside this crate's `Cargo.toml` lists Node's own tests of its cluster, and
//! what comes of the same behaviour here, also with Node on one side of the channel.
//! `tests/transcripts` has the conversations of a Node primary and a Node worker byte by byte; our
//! primary and our worker hold them, too.
//!
//! # Where this differs from Node, on purpose
//!
//! * A connection handed to a worker that dies before taking it goes to another worker. (In Node
//!   its client waits for ever.)
//! * Between Rust peers a connection is handed only to a worker whose program waits for one. In
//!   Node's rotation it may wait behind another one in a busy worker while others idle; so it may
//!   in a Rust worker of a Node primary.
//! * So a Rust worker needs no `maxConnections`: a program that does not call `accept` gets
//!   nothing, and the others get it. What a Node worker at its `maxConnections` refuses goes to the
//!   next worker, and waits while all are full. (In Node's rotation it makes some 700 rounds a
//!   second.)
//! * A listener whose last user crashed stays open, with its queue, while a replacement may come.
//!   (Node closes it.)
//! * A Node worker that refuses a connection (`maxConnections`), or loses its socket, is offered
//!   the next one 50 ms later; meanwhile others are. (In Node a connection that all workers refuse
//!   goes round without a pause, and a worker that lost one gets no other.)
//! * `Disconnect` is always told, and before `Exit`; no message comes after it. What a worker wrote
//!   before its end arrives.
//! * [`Primary::workers`] lists a worker until its exit has been told. (Node drops it when it is
//!   asked to disconnect, so that `cluster.disconnect(callback)` calls back when the first of the
//!   workers is gone.)
//! * Asking a worker twice to disconnect changes nothing. (In Node the second time makes the worker
//!   crash.)
//! * A program that cannot be started is an error of `fork()`. (In Node `fork()` succeeds, `error`
//!   and `disconnect` follow, and no `exit`.)
//! * [`Primary::send`] refuses a message when too much waits already, and gives it back. (In Node
//!   `false` is advice; memory grows.)
//! * Messages that come before the worker asks for them are kept. (In Node they are lost.)
//! * A line that is no message, or a descriptor that nobody asked for, is told as [`Event::Error`],
//!   and the channel goes on. (Node dies of some of them.) Half a surrogate pair becomes U+FFFD.
//!   JSON nested deeper than 127 levels arrives; [`Message::value`] and [`Message::parse`] refuse
//!   it.
//! * A line longer than 8 MiB, or than 64 KiB from the cluster layer, is passed over and told. What
//!   the other side would pass over, `send` refuses ([`Error::MessageTooLong`]). (Node takes any
//!   length.)
//! * A worker whose primary is gone ends within a second, however busy it is, also one that was
//!   stopped.
//! * Ctrl-C, and SIGTERM that the primary did not send, reach a worker only through its primary: a
//!   terminal, systemd and timeout(1) signal the whole process group. (In Node every worker dies of
//!   them, requests in flight or not.)
//! * [`Primary::begin_shutdown`] serves what has arrived before it disconnects the workers. (Node's
//!   `cluster.disconnect()` closes the listeners at once; clients that wait there are reset.)
//! * [`Primary::disconnect_all`] gives up workers that are due as well. (In Node a timer that forks
//!   goes on.)
//! * A worker is a copy of the program that is on the path as it was typed, through `PATH` and
//!   links, so that a reload after a link was moved runs the new release, as in Node. If that file
//!   is gone, it is a copy of this one.
//! * [`Primary::kill`] sends the signal that it is told, through a pidfd.
//! * A worker with a [`Settings::uid`] and no group said gets that user's own group, and a fork
//!   whose supplementary groups cannot be dropped fails. (In Node the group stays, which may be
//!   root's, and groups that stay are passed over.)
//! * A Unix path that was left by a process that was killed is taken over, if it is ours and nobody
//!   answers there. (In Node, `EADDRINUSE`.)
//! * A handle whose descriptor was lost on its way is sent again as it was. (Node 20 wraps it a
//!   second time, and its receiver ignores that.)
//! * A worker that received sockets from a Node server answers at once that they are closed, when
//!   that server asks before it closes.
//! * `advanced` serialization is not spoken.
//!
#![doc = include_str!("what_can_go_wrong.md")]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "cluster runs on Linux (it stands on signalfd and pidfd); on Windows, use WSL: https://learn.microsoft.com/windows/wsl"
);

// Each module by itself, so that tools find them; elsewhere the error above is the only one.
#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod bind;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod cpus;
#[cfg(target_os = "linux")]
mod eager;
#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
mod exit;
#[cfg(target_os = "linux")]
mod handle;
#[cfg(target_os = "linux")]
mod id;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod policy;
#[cfg(target_os = "linux")]
mod primary;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod rest;
#[cfg(target_os = "linux")]
mod restart;
#[cfg(all(test, target_os = "linux"))]
mod restart_tests;
#[cfg(target_os = "linux")]
mod rights;
#[cfg(target_os = "linux")]
mod role;
#[cfg(target_os = "linux")]
mod settings;
#[cfg(target_os = "linux")]
mod spawn;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod terms;
#[cfg(target_os = "linux")]
mod time;
#[cfg(target_os = "linux")]
mod wakeup;
#[cfg(all(test, target_os = "linux"))]
mod what_can_go_wrong_tests;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod worker;

#[cfg(target_os = "linux")]
pub use nix::sys::signal::Signal;
#[cfg(target_os = "linux")]
pub use serde_json::{Value, json};

#[cfg(target_os = "linux")]
pub use address::Address;
#[cfg(target_os = "linux")]
pub use cpus::available_parallelism;
#[cfg(target_os = "linux")]
pub use error::{Error, IntoStdError, SendError};
#[cfg(target_os = "linux")]
pub use exit::Exit;
#[cfg(target_os = "linux")]
pub use handle::{Handle, HandleKind};
#[cfg(target_os = "linux")]
pub use id::WorkerId;
#[cfg(target_os = "linux")]
pub use message::Message;
#[cfg(target_os = "linux")]
pub use policy::SchedulingPolicy;
#[cfg(target_os = "linux")]
pub use primary::{Event, Primary, Report, Sent, State, Waker, die_of};
#[cfg(target_os = "linux")]
pub use program::HeldProgram;
#[cfg(target_os = "linux")]
pub use restart::{Restart, RestartPolicy, Verdict};
#[cfg(target_os = "linux")]
pub use role::{Role, is_primary, is_worker, role};
#[cfg(target_os = "linux")]
pub use settings::{Settings, Stdio};
#[cfg(target_os = "linux")]
pub use worker::{Datagrams, Listen, Listener, Worker, WorkerEvent};
// Deprecated from the start, and there all the same: much Node material uses the name.
#[allow(deprecated)]
#[cfg(target_os = "linux")]
pub use role::is_master;
#[cfg(target_os = "linux")]
pub(crate) use time::time_left;
