//! Policy `Shared`: the kernel chooses, and the workers hold the listening socket itself.

use std::io::Write;
use std::time::{Duration, Instant};

use cluster::{Event, Listen, WorkerEvent, json};

use crate::harness::{Events, Test, cpu_time, test};
use crate::remote::{
    ask, asks, fork_serving, fork_some, is_refused, meanwhile, obeys, order, tell, until_gone,
};

pub fn tests() -> Vec<Test> {
    let tests = vec![
        test("any_worker_that_accepts_on_the_shared_socket_is_served")
            .primary(|mut primary| {
                let [one, two] = fork_some(&mut primary);
                let at = [one, two].map(|worker| tell(&mut primary, worker, "listen 127.0.0.1:0"));
                for worker in [one, two, one] {
                    order(&mut primary, &[worker], "accept 0");
                    assert_eq!(asks(&mut primary, &at[0]), worker.to_string());
                }
            })
            .worker(obeys),
        test("a_worker_that_took_the_socket_itself_stays_a_user_of_it_until_it_leaves")
            .primary(|mut primary| {
                let [one, two] = fork_some(&mut primary);
                let listen = "listen 127.0.0.1:0 blocking";
                let at = tell(&mut primary, one, listen);
                assert_eq!(tell(&mut primary, one, "into_std 0"), "std");
                assert_eq!(tell(&mut primary, two, listen), at, "it is the same socket");
                assert_eq!(tell(&mut primary, two, "into_std 0"), "std");
                for worker in [two, one] {
                    order(&mut primary, &[worker], "accept 0");
                    assert_eq!(asks(&mut primary, &at), worker.to_string());
                }
                primary.disconnect(one);
                until_gone(&mut primary, one);
                order(&mut primary, &[two], "accept 0");
                assert_eq!(asks(&mut primary, &at), two.to_string());
                primary.disconnect(two);
                until_gone(&mut primary, two);
                assert!(is_refused(&at));
            })
            .worker(obeys),
        test("the_path_of_a_socket_that_a_worker_took_stays_until_it_leaves")
            .primary(|mut primary| {
                let directory = crate::listening::Directory::new();
                let path = directory.0.join("socket");
                let worker = primary.fork_with(crate::harness::part(path.to_str().unwrap())).unwrap();
                assert_eq!(primary.hears(worker), json!("std"));
                assert!(path.exists());
                primary.disconnect(worker);
                until_gone(&mut primary, worker);
                assert!(!path.exists());
            })
            .worker(|mut me, path| {
                let _listener = me.listen_unix(path).unwrap().into_std().unwrap();
                me.send("std").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("accept_in_one_thread_goes_on_while_another_reads_the_channel")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                for on in ["before", "after"] {
                    let at = primary.hears(worker);
                    let at = at.as_str().unwrap().strip_prefix(on).unwrap().to_owned();
                    for _ in 0..3 {
                        assert_eq!(asks(&mut primary, &at), "worker 1");
                    }
                }
            })
            .worker(|mut me, _| {
                let serve = |listener: cluster::Listener| {
                    for _ in 0..3 {
                        write!(listener.accept().unwrap().unwrap(), "worker 1").unwrap();
                    }
                };
                let before = me.listen("127.0.0.1:0").unwrap();
                me.run_in_background().unwrap();
                me.send(format!("before{}", before.address())).unwrap();
                serve(before);
                let after = me.listen("127.0.0.1:0").unwrap();
                me.send(format!("after{}", after.address())).unwrap();
                serve(after);
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_that_does_not_accept_sleeps_while_connections_wait_in_the_shared_socket")
            .primary(|mut primary| {
                let [worker] = fork_some(&mut primary);
                let at = tell(&mut primary, worker, "listen 127.0.0.1:0");
                let _waits = std::net::TcpStream::connect(&at).unwrap();
                primary.send(worker, "how much time?").unwrap();
                let used = primary.hears(worker).as_u64().unwrap();
                assert!(used < 60, "{used} ms");
            })
            .worker(|mut me, _| {
                assert!(me.recv().unwrap().is_some());
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                assert!(me.recv().unwrap().is_some());
                let before = cpu_time();
                let deadline = Instant::now() + Duration::from_millis(200);
                let event = me.next_event_before(deadline).unwrap();
                assert!(matches!(event, Some(WorkerEvent::Deadline)));
                me.send((cpu_time() - before).as_millis() as u64).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("accept_on_a_socket_in_blocking_mode_is_an_error_instead_of_a_worker_that_hears_nothing")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let told = primary.hears(worker);
                assert!(told.as_str().unwrap().ends_with("is in blocking mode"), "{told}");
            })
            .worker(|mut me, _| {
                let listener = me.listen(Listen::from("127.0.0.1:0").blocking()).unwrap();
                me.send(listener.accept().unwrap_err().to_string()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("the_primary_wakes_all_who_wait_in_a_blocking_accept_and_refuses_new_clients")
            .primary(|mut primary| {
                let workers = [primary.fork().unwrap(), primary.fork().unwrap()];
                let [at, _] = primary.hears_each(workers);
                primary.stop_accepting();
                let einval = json!(nix::libc::EINVAL);
                assert_eq!(primary.hears_each(workers), [einval.clone(), einval]);
                assert!(is_refused(at.as_str().unwrap()));
                primary.disconnect_all();
                while primary.next_event().unwrap().is_some() {}
            })
            .worker(|mut me, _| {
                let listener = me.listen(Listen::from("127.0.0.1:0").blocking()).unwrap();
                let at = listener.address().to_string();
                let listener = listener.into_std().unwrap();
                me.send(at).unwrap();
                let error = listener.accept().unwrap_err();
                me.send(error.raw_os_error()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("workers_that_share_a_socket_end_their_accept_when_asked_to_leave")
            .primary(|mut primary| {
                let (workers, at) = fork_serving::<2>(&mut primary, "127.0.0.1:0");
                let served = meanwhile(&mut primary, move || {
                    (0..50).filter(|_| ask(&at).is_ok_and(|text| text.starts_with("worker"))).count()
                });
                assert_eq!(served, 50);
                primary.disconnect_all();
                let mut gone = workers.to_vec();
                primary.until(|event| {
                    if let Event::Exit { worker, .. } = event {
                        gone.retain(|&it| it != worker);
                    }
                    gone.is_empty().then_some(())
                });
            })
            .worker(obeys),
    ];
    tests.into_iter().map(|test| test.policy("none")).collect()
}
