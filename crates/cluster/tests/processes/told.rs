//! What is told instead of being left to guess: why a worker cannot listen, where an inherited
//! socket is, who holds a connection.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use cluster::{Address, Error, Event, Listen, Primary, Settings, Signal, json};

use crate::forks::gone;
use crate::harness::{DEADLINE, Events, Test, in_both, plain, test};
use crate::raw::misbehaves;
use crate::remote::{fork_some, meanwhile, obeys, order, tell};

pub fn tests() -> Vec<Test> {
    let mut tests = in_both(
        "a_worker_that_cannot_listen_is_told_with_the_address_and_the_reason",
        |mut primary| {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = taken.local_addr().unwrap().to_string();
            let [worker] = fork_some(&mut primary);
            primary.send(worker, format!("listen {at}")).unwrap();
            match fails_to_listen(&mut primary) {
                Error::Listen { address, source } => {
                    assert_eq!((address, source.kind()), (at, std::io::ErrorKind::AddrInUse));
                }
                other => panic!("{other:?}"),
            }
            assert!(primary.hears(worker).as_str().unwrap().contains("address already in use"));
        },
    )
    .to_vec();
    tests.push(
        test("a_listener_in_the_wrong_mode_is_told_to_the_primary_as_well")
            .policy("none")
            .primary(|mut primary| {
                let [one, two] = fork_some(&mut primary);
                let at = tell(&mut primary, one, "listen 127.0.0.1:0");
                primary.send(two, "listen 127.0.0.1:0 blocking").unwrap();
                match fails_to_listen(&mut primary) {
                    Error::Blocking { blocks, .. } => assert!(!blocks, "{at}"),
                    other => panic!("{other:?}"),
                }
            })
            .worker(obeys),
    );
    for (name, policy) in [("round_robin", "rr"), ("shared", "none")] {
        let name = format!("an_inherited_socket_says_where_it_is_and_is_left_open_under_{name}");
        tests.push(
            test(name.leak())
                .policy(policy)
                .primary(|mut primary| {
                    let inherited = TcpListener::bind("127.0.0.1:0").unwrap();
                    inherited.set_nonblocking(true).unwrap();
                    let at = inherited.local_addr().unwrap();
                    primary.setup(Settings::new().env("NUMBER", inherited.as_raw_fd().to_string()));
                    let worker = primary.fork().unwrap();
                    let address = primary.until(|event| match event {
                        Event::Listening(_, address) => Some(address),
                        _ => None,
                    });
                    assert_eq!(address, Address::Tcp(at));
                    primary.stop_accepting();
                    primary.begin_shutdown(Duration::from_secs(5));
                    gone(&mut primary, worker);
                    // Whoever gave us the socket goes on: it is neither shut down nor closed for
                    // them.
                    let client = TcpStream::connect(at).unwrap();
                    assert!(inherited.accept().is_ok());
                    drop(client);
                })
                .worker(|mut me, _| {
                    let number = std::env::var("NUMBER").unwrap().parse().unwrap();
                    let listener = me.listen(Listen::primary_fd(number)).unwrap();
                    while listener.accept().unwrap().is_some() {}
                }),
        );
    }
    tests.push(
        test("a_worker_that_holds_a_connection_too_long_is_killed_and_the_next_one_serves_it")
            .policy("rr")
            .primary(|mut primary| {
                primary.setup(Settings::new().take_within(Duration::from_millis(200)));
                let bad = primary.fork_with(plain("never answers")).unwrap();
                let at = primary.hears(bad).as_str().unwrap().to_owned();
                let mut client = TcpStream::connect(&at).unwrap();
                assert_eq!(primary.hears(bad), json!("has it"));
                let [good] = fork_some(&mut primary);
                tell(&mut primary, good, "listen 127.0.0.1:0");
                order(&mut primary, &[good], "serve 0");
                let mut text = String::new();
                let served = meanwhile(&mut primary, move || {
                    client.set_read_timeout(Some(DEADLINE)).unwrap();
                    client.read_to_string(&mut text).map(|_| text)
                });
                assert_eq!(served.unwrap(), good.to_string());
                assert!(!primary.workers().any(|it| it == bad) || primary.is_dead(bad));
            })
            .worker(obeys)
            .plain(misbehaves),
    );
    tests.push(
        test("children_that_are_no_workers_are_reaped_where_the_program_asks_for_it").primary(
            |mut primary| {
                primary.reap_strangers(true).unwrap();
                // Whoever reaps it, it is not this handle.
                #[allow(clippy::zombie_processes)]
                let stranger = std::process::Command::new("/bin/true").spawn().unwrap();
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                let pid = nix::unistd::Pid::from_raw(stranger.id().cast_signed());
                while nix::sys::signal::kill(pid, None).is_ok() {
                    primary
                        .next_event_before(std::time::Instant::now() + Duration::from_millis(5))
                        .unwrap();
                }
                primary.kill(worker, Signal::SIGKILL).unwrap();
                let exit = crate::harness::exit_of(&mut primary);
                assert_eq!(
                    exit,
                    (cluster::Exit::Signal(Signal::SIGKILL), false),
                    "its status is its own"
                );
            },
        ),
    );
    tests
}

fn fails_to_listen(primary: &mut Primary) -> Error {
    primary.until(|event| match event {
        Event::ListenFailed { error, .. } => Some(error),
        _ => None,
    })
}
