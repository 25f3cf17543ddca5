//! How workers are started.

use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use cluster::{Event, Primary, Settings, json};

use crate::harness::Events;
use crate::obeys::{one, some};
use crate::remote::{meanwhile, tell};

use crate::row::{Row, row};

const ITS_OWN: &str = "a primary alone, and Node's own there";

pub fn rows() -> Vec<Row> {
    vec![
        row(10, "cwd").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let here = std::env::current_dir().unwrap().display().to_string();
            assert_eq!(tell(&mut primary, worker, "cwd"), here);
            primary.setup(Settings::new().cwd("/proc"));
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, "cwd"), "/proc");
        }),
        row(28, "fork_env")
            .primary(|mut primary| {
                primary.setup(Settings::new().env("T_NEW", "new").env("T_OVER", "over"));
                let [worker] = some(&mut primary);
                for (name, value) in [("NEW", "new"), ("OVER", "over"), ("KEPT", "kept")] {
                    assert_eq!(tell(&mut primary, worker, &format!("env T_{name}")), value);
                }
            })
            .outside(|test| {
                let inherited = [("T_OVER", "under"), ("T_KEPT", "kept")];
                let change = |command: &mut std::process::Command| {
                    command.envs(inherited);
                };
                test.start_changed(change).succeeds();
            }),
        row(29, "fork_stdio")
            .primary(|mut primary| {
                primary.setup(Settings::new().duplex(4));
                let worker = one(&mut primary, "");
                let mut pipe = primary.take_duplex(worker, 4).unwrap();
                let back = meanwhile(&mut primary, move || {
                    pipe.write_all(b"there and back").unwrap();
                    pipe.shutdown(std::net::Shutdown::Write).unwrap();
                    let mut text = String::new();
                    pipe.read_to_string(&mut text).unwrap();
                    text
                });
                assert_eq!(back, "there and back");
                primary.disconnect(worker);
                let told = primary.rest();
                assert!(told.contains(&"worker 1 exits 0, voluntary".into()), "{told:?}");
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                // SAFETY: the primary passed it under this number, and nobody else here takes it.
                #[allow(unsafe_code)]
                let pipe = unsafe { OwnedFd::from_raw_fd(4) };
                let mut pipe = UnixStream::from(pipe);
                let mut text = String::new();
                pipe.read_to_string(&mut text).unwrap();
                pipe.write_all(text.as_bytes()).unwrap();
                drop(pipe);
                assert!(me.recv().unwrap().is_none());
            }),
        row(59, "setup_primary_argv").primary(|mut primary| {
            // A Rust program cannot change its own arguments; what counts is what `setup` says when
            // it is called.
            let args = arguments(&primary);
            primary.setup(args("now"));
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, "args"), "now");
            primary.setup(args("then"));
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, "args"), "then");
        }),
        row(60, "setup_primary_cumulative")
            .primary(|mut primary| {
                assert_eq!(*primary.settings(), Settings::new());
                primary.setup(Settings::new().args(["a"]));
                primary.setup(Settings::new().cwd("/proc"));
                assert_eq!(*primary.settings(), Settings::new().args(["a"]).cwd("/proc"));
                primary.setup(Settings::new().args(["b"]));
                assert_eq!(*primary.settings(), Settings::new().args(["b"]).cwd("/proc"));
            })
            .rust_only(ITS_OWN),
        row(61, "setup_primary_emit")
            .primary(|mut primary| {
                for directory in ["/", "/proc"] {
                    primary.setup(Settings::new().cwd(directory));
                }
                primary.fork().unwrap();
                let mut told = Vec::new();
                primary.until(|event| match event {
                    Event::Setup(settings) => {
                        told.push(*settings);
                        None
                    }
                    event => matches!(event, Event::Online(_)).then_some(()),
                });
                let [root, proc] = ["/", "/proc"].map(|it| Settings::new().cwd(it));
                assert_eq!(told, [root, proc.clone(), proc]); // the fork tells it, too
            })
            .rust_only(ITS_OWN),
        row(62, "setup_primary_multiple")
            .primary(|mut primary| {
                for program in ["one", "two", "three"] {
                    primary.setup(Settings::new().exec(program));
                }
                primary.fork().unwrap_err(); // there is no such program; now the events can be told
                primary.setup(Settings::new().exec("/proc/self/exe"));
                primary.fork().unwrap();
                for program in ["one", "two", "three", "three"] {
                    primary.until(|event| match event {
                        Event::Setup(it) => {
                            assert_eq!(*it, Settings::new().exec(program));
                            Some(())
                        }
                        other => panic!("{other:?}"),
                    });
                }
            })
            .rust_only(ITS_OWN),
        row(63, "setup_primary").primary(|mut primary| {
            let args = arguments(&primary);
            primary.setup(args("custom argument").silent());
            let worker = primary.fork().unwrap();
            assert_eq!(primary.hears(worker), json!("ready"));
            assert_eq!(tell(&mut primary, worker, "args"), "custom argument");
            // Silent: what it prints is told instead of printed.
            primary.send(worker, "throw").unwrap();
            primary.until(|event| match event {
                Event::Output(_, line) => line.contains("as told").then_some(()),
                _ => None,
            });
        }),
    ]
}

/// Settings with one more argument than the workers have anyway.
fn arguments(primary: &Primary) -> impl Fn(&str) -> Settings + use<> {
    let node = *primary.settings() != Settings::new();
    move |argument| {
        let script = node.then(|| crate::node::script("conformance_worker.mjs").into());
        Settings::new().args(script.into_iter().chain([std::ffi::OsString::from(argument)]))
    }
}
