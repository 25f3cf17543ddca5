//! Why a worker cannot listen.

use std::net::TcpListener;

use cluster::Primary;
use nix::unistd::{Uid, seteuid};

use crate::harness::Events;
use crate::listening::privileged_ports;
use crate::obeys::{code, some};
use crate::remote::{asks, order, tell};
use crate::row::{Row, row};
use crate::steps::{leaves, local};

pub fn rows() -> Vec<Row> {
    vec![
        row(4, "bind_privileged_port").needs(privileged_ports).primary(privileged),
        row(5, "bind_twice")
            .outside(|test| {
                let mut first = test.start();
                let port = first.line();
                let mut second = test.start_with(&[&port]);
                second.says("EADDRINUSE");
                second.succeeds();
                first.is_told("go on");
                first.says("1");
                first.succeeds();
            })
            .primary(|mut primary| {
                primary.setup(cluster::Settings::new().stdin(cluster::Stdio::Null));
                let [worker] = some(&mut primary);
                let port = std::env::args().nth(1).unwrap_or("0".into());
                let told = tell(&mut primary, worker, &format!("listen 127.0.0.1:{port}"));
                println!("{told}");
                if port == "0" {
                    std::io::stdin().read_line(&mut String::new()).unwrap();
                    println!("{}", asks(&mut primary, &local(&told)));
                }
                leaves(&mut primary, worker);
            }),
        row(33, "ipc_throw")
            .primary(|mut primary| {
                let taken = TcpListener::bind("127.0.0.1:0").unwrap();
                let at = taken.local_addr().unwrap().to_string();
                let worker = primary.fork_with(crate::harness::part(&at)).unwrap();
                let told = primary.rest();
                // It leaves and fails at once: 101 is a panic of Rust's, 1 an error that Node
                // throws.
                let end = ["101", "1"].map(|code| format!("{worker} exits {code}, voluntary"));
                assert!(end.contains(told.last().unwrap()), "{told:?}");
            })
            .worker(|mut me, at| {
                assert_eq!(code(&me.listen(at).unwrap_err()), "EADDRINUSE");
                me.disconnect().unwrap();
                panic!("while it leaves");
            }),
        row(64, "shared_handle_bind_error").policy("none").primary(|mut primary| {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = taken.local_addr().unwrap();
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, &format!("listen {at}")), "EADDRINUSE");
        }),
        row(65, "shared_handle_bind_privileged_port")
            .needs(privileged_ports)
            .policy("none")
            .primary(privileged),
        row(71, "worker_disconnect_on_error").policy("none").primary(|mut primary| {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = taken.local_addr().unwrap();
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, &format!("listen {at}")), "EADDRINUSE");
            order(&mut primary, &[worker], "leave");
            assert_eq!(primary.rest().last().unwrap(), "worker 1 exits 0, voluntary");
        }),
    ]
}

fn privileged(mut primary: Primary) {
    let [worker] = some(&mut primary);
    seteuid(Uid::from_raw(65534)).unwrap(); // the primary binds, so its rights count
    assert_eq!(tell(&mut primary, worker, "listen 127.0.0.1:42"), "EACCES");
    seteuid(Uid::from_raw(0)).unwrap();
    order(&mut primary, &[worker], "leave");
    assert_eq!(primary.rest().last().unwrap(), "worker 1 exits 0, voluntary");
}
