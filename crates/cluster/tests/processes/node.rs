//! Node as the judge: unmodified Node workers under our primary, and our workers under a Node
//! primary.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use cluster::{Event, Exit, Primary, Settings, Signal, Worker, WorkerId, json};

use crate::harness::{DEADLINE, Events, Program, Test, exit_of, test};

const SOON: Duration = Duration::from_secs(5);

pub fn tests() -> Vec<Test> {
    let tests = vec![
        test("node_worker_events_come_in_order_and_it_gets_its_arguments").primary(
            |mut primary| {
                let settings =
                    node_worker().args([script("worker.mjs"), "--first".into(), "two".into()]);
                let worker = primary.fork_with(settings).unwrap();
                let greeting = primary.hears(worker);
                assert_eq!(greeting, json!({"id": 1, "args": ["--first", "two"]}));
                primary.disconnect(worker);
                let end = ["worker 1 disconnected", "worker 1 exits 0, voluntary"];
                assert_eq!(primary.rest(), end);
            },
        ),
        test("node_worker_and_our_primary_exchange_messages").primary(|mut primary| {
            let worker = fork_node(&mut primary);
            for value in [
                json!("grüße\u{2028}\u{1f600}"),
                json!([1.5, null, {"deep": [true]}]),
                json!({"cmd": "NODE_"}),
                json!("x".repeat(1 << 20)),
            ] {
                primary.send(worker, json!({"ask": "echo", "value": value})).unwrap();
                assert_eq!(primary.hears(worker)["value"], value);
            }
            primary.send(worker, json!({"ask": "lone surrogate"})).unwrap();
            let expected = json!({"text": "a\u{fffd}b", "whole": "\u{1f600}"});
            assert_eq!(primary.hears(worker), expected);
            let question = json!({"ask": "how is it written", "text": "é\u{1f600}\n"});
            primary.send(worker, question).unwrap();
            assert_eq!(primary.hears(worker), json!([0xe9, 0x1f600, 10]));
        }),
        test("node_worker_and_our_primary_exchange_sockets").primary(|mut primary| {
            let worker = fork_node(&mut primary);
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let client = TcpStream::connect(address).unwrap();
            let ask = |what: &str| json!({"ask": what});
            primary.send_with(worker, ask("serve"), listener.accept().unwrap().0).unwrap();
            assert_eq!(text_of(client, &mut primary), "from node");

            primary.send_with(worker, ask("use"), listener).unwrap();
            assert_eq!(primary.hears(worker), json!("listens"));
            assert_eq!(text_of(TcpStream::connect(address).unwrap(), &mut primary), "from node");

            primary.send(worker, ask("socket")).unwrap();
            let handle = primary.until(|event| match event {
                Event::Message(_, message) => message.handle,
                _ => None,
            });
            let listener = handle.into_tcp_listener().unwrap();
            TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        }),
        test("node_worker_that_leaves_or_exits_is_told_as_node_tells_it").primary(|mut primary| {
            for (ask, code, voluntary) in [("leave", 0, true), ("exit", 5, false)] {
                let worker = fork_node(&mut primary);
                primary.send(worker, json!({"ask": ask, "code": code})).unwrap();
                assert_eq!(exit_of(&mut primary), (Exit::Code(code), voluntary));
            }
            let worker = fork_node(&mut primary);
            primary.kill(worker, Signal::SIGTERM).unwrap();
            assert_eq!(exit_of(&mut primary), (Exit::Signal(Signal::SIGTERM), false));
        }),
        test("node_worker_outlives_ctrl_c_and_a_shutdown_ends_it")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGINT]).unwrap();
                let worker = fork_node(&mut primary);
                println!("ready");
                primary.until(|event| matches!(event, Event::Signal(_)).then_some(()));
                primary.send(worker, "still there?").unwrap();
                assert_eq!(primary.hears(worker), json!("still there?"));
                primary.begin_shutdown(DEADLINE);
                assert!(primary.rest().last().unwrap().contains("by_itself: [WorkerId(1)]"));
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                program.and_its_group_are_sent(Signal::SIGINT);
                program.succeeds();
            }),
        test("node_worker_ends_when_our_primary_is_killed")
            .primary(|mut primary| {
                fork_node(&mut primary);
                println!("ready");
                primary.rest();
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                program.is_sent(Signal::SIGKILL);
                program.and_all_it_started_are_gone_within(SOON);
            }),
        under_node("node_primary_and_our_worker_exchange_messages", |test| {
            let mut program = node_primary(test, "messages");
            let lines = ["online 1", "same", "same", "same", "same", "disconnect true"];
            lines.iter().for_each(|line| program.says(line));
            program.says("exit 0  true");
            program.succeeds();
        }),
        under_node("node_primary_and_our_worker_exchange_sockets", |test| {
            let mut program = node_primary(test, "handles");
            for line in ["online 1", "client reads from rust", "client reads hello"] {
                program.says(line);
            }
            program.says("disconnect true");
            program.says("exit 0  true");
            program.succeeds();
        }),
        under_node("node_primary_tells_the_end_of_our_worker_as_of_its_own", |test| {
            for (how, disconnect, exit) in [
                ("disconnect", "disconnect true", "exit 0  true"),
                ("leave", "disconnect true", "exit 0  true"),
                ("worker kill", "disconnect true", "exit 0  true"),
                ("exit", "disconnect false", "exit 5  false"),
                ("kill", "disconnect false", "exit  SIGTERM false"),
                ("SIGKILL", "disconnect false", "exit  SIGKILL false"),
                ("channel closed", "disconnect false", "exit 0  false"),
            ] {
                let mut program = node_primary(test, how);
                program.says("online 1");
                program.says(disconnect);
                program.says(exit);
                program.succeeds();
            }
        }),
        under_node("our_worker_ends_when_its_node_primary_is_killed", |test| {
            let mut program = node_primary(test, "stay");
            program.says("ready");
            program.is_sent(Signal::SIGKILL);
            program.and_all_it_started_are_gone_within(SOON);
        }),
    ];
    tests.into_iter().map(|test| test.needs(node_20)).collect()
}

/// Node 20 or newer, or why not. With `REQUIRE_NODE` its absence is a failure.
pub fn node_20() -> Result<(), String> {
    let version = Command::new("node").arg("--version").output();
    let version = version.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).into());
    let major = version.trim_start_matches('v').split('.').next();
    let major = major.and_then(|major| major.parse().ok()).unwrap_or(0);
    if major >= 20 {
        return Ok(());
    }
    let reason = format!("needs node 20 or newer, found {version:?}");
    assert!(std::env::var_os("REQUIRE_NODE").is_none(), "{reason}");
    Err(reason)
}

pub fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "node", name].iter().collect()
}

fn node_worker() -> Settings {
    node_settings().args([script("worker.mjs")])
}

/// Settings for Node itself.
pub fn node_settings() -> Settings {
    let path = std::env::var_os("PATH").unwrap();
    let node = std::env::split_paths(&path).map(|directory| directory.join("node"));
    let node = node.into_iter().find(|node| node.exists()).unwrap();
    Settings::new().exec(node)
}

/// Starts a Node worker and waits until its script runs.
pub fn fork_node(primary: &mut Primary) -> WorkerId {
    let worker = primary.fork_with(node_worker()).unwrap();
    assert_eq!(primary.hears(worker)["id"], json!(worker.get()));
    worker
}

/// All that a connection brings, while the primary goes on.
fn text_of(mut stream: TcpStream, primary: &mut Primary) -> String {
    let waker = primary.waker();
    let reader = std::thread::spawn(move || {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut text = String::new();
        let result = stream.read_to_string(&mut text);
        waker.wake();
        result.map(|_| text)
    });
    primary.until(|event| matches!(event, Event::Woken).then_some(()));
    reader.join().unwrap().unwrap()
}

fn under_node(name: &'static str, outside: fn(&Test)) -> Test {
    test(name).worker(does_as_told).outside(outside)
}

fn node_primary(test: &Test, scenario: &str) -> Program {
    let mut node = Command::new("node");
    node.arg(script("primary.mjs")).arg(scenario);
    node.env("WORKER", std::env::current_exe().unwrap());
    Program::start(test, node)
}

fn does_as_told(mut me: Worker, _: &str) {
    // Node puts its own script before the arguments that the settings name.
    assert_eq!(std::env::args().nth(2).as_deref(), Some("an argument"));
    while let Some(message) = me.recv().unwrap() {
        match message.text().as_deref() {
            Some("serve") => {
                let mut stream = message.handle.unwrap().into_tcp_stream().unwrap();
                stream.write_all(b"from rust").unwrap();
            }
            Some("give") => {
                me.send_with("yours", TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
            }
            Some("leave") => me.disconnect().unwrap(),
            Some("kill") => me.kill(),
            Some("exit") => std::process::exit(5),
            _ => me.send(message.value().unwrap()).unwrap(),
        }
    }
}
