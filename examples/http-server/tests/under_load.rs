//! The server in trouble: crashes under load, and stops while it is asked.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

mod server;

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use server::Server;
use support::{IN_TIME, SOON};
use visitors::Visitor;

#[test]
fn fifty_crashes_under_load_cost_each_client_one_request_at_most() {
    let server = Server::start("--workers 2");
    let load = Load::default();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (load, visitor) = (&load, server.visitor);
            scope.spawn(move || load.ask(client, visitor));
        }
        let _over = load.over_in_the_end();
        for crash in 1..=50 {
            load.wait_until_each_was_served();
            let before = load.failed.load(SeqCst);
            assert!(server.visitor.visit("/crash").result.is_err());
            server.wait_until_all_are_back(2, crash);
            load.wait_until_each_was_served();
            let failed = load.failed.load(SeqCst) - before;
            assert!(failed <= CLIENTS, "crash {crash}: {failed} failed");
        }
    });
    assert_eq!(load.twice.load(SeqCst), 0, "somebody failed twice in a row");
    server.stop();
}

#[test]
fn asked_to_stop_it_answers_what_it_has_begun_and_exits_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::start("--workers 2");
        thread::scope(|scope| {
            let ask = || server.visitor.visit("/slow?ms=700");
            let slow: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            server.wait_until_taken(8);
            match signal {
                Signal::SIGINT => server.run.signal_group(signal), // Ctrl-C
                _ => server.run.signal(signal),
            }
            for slow in slow {
                let seen = slow.join().expect("it does not panic");
                let answer = seen.result.expect("it is answered");
                assert!(answer.is_success() && !answer.keep_alive);
            }
        });
        server.is_gone();
    }
}

#[test]
fn clients_that_never_stop_asking_do_not_keep_it_up() {
    let server = Server::start("--workers 2");
    let load = Load::default();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (load, visitor) = (&load, server.visitor);
            scope.spawn(move || load.stay(client, visitor));
        }
        let _over = load.over_in_the_end();
        load.wait_until_each_was_served();
        server.run.signal(Signal::SIGTERM);
        let output = server.run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
    });
    server.run.assert_nothing_left(SOON);
}

#[test]
fn a_second_signal_ends_it_at_once_by_that_signal() {
    let server = Server::start("");
    thread::scope(|scope| {
        scope.spawn(|| server.visitor.visit("/slow?ms=5000"));
        server.wait_until_taken(1);
        server.run.signal(Signal::SIGTERM);
        server.run.wait_for_line("stops", IN_TIME);
        server.run.signal(Signal::SIGTERM);
        let status = server.run.finish(IN_TIME).status;
        assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
        server.run.assert_nothing_left(SOON);
    });
}

const CLIENTS: usize = 16;

/// What the clients went through.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    served: [AtomicUsize; CLIENTS],
    failed: AtomicUsize,
    twice: AtomicUsize,
}

impl Load {
    /// Asks, each time on a connection of its own.
    fn ask(&self, client: usize, visitor: Visitor) {
        let mut in_a_row = 0;
        while !self.over.load(SeqCst) {
            if visitor.visit("/").result.is_ok() {
                in_a_row = 0;
                self.served[client].fetch_add(1, SeqCst);
            } else if !self.over.load(SeqCst) {
                in_a_row += 1;
                self.failed.fetch_add(1, SeqCst);
                self.twice.fetch_add(usize::from(in_a_row > 1), SeqCst);
            }
        }
    }

    /// Asks on one connection until it ends, and then on another one.
    fn stay(&self, client: usize, visitor: Visitor) {
        while !self.over.load(SeqCst) {
            let Ok(mut stay) = visitor.come() else { continue };
            while !self.over.load(SeqCst) && stay.ask("/").result.is_ok() {
                self.served[client].fetch_add(1, SeqCst);
            }
        }
    }

    /// The clients end when this is dropped, also in a panic.
    fn over_in_the_end(&self) -> impl Drop + '_ {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, SeqCst);
            }
        }
        Over(&self.over)
    }

    /// So that who fails next was served in between.
    fn wait_until_each_was_served(&self) {
        let before: Vec<usize> =
            self.served.iter().map(|it| it.load(SeqCst)).collect();
        let until = Instant::now() + IN_TIME;
        while (0..CLIENTS).any(|it| self.served[it].load(SeqCst) == before[it])
        {
            assert!(Instant::now() < until, "a client waits for ever");
            // Nothing to wait on.
            thread::sleep(Duration::from_millis(1));
        }
    }
}
