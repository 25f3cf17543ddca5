//! Workers that do as they are told, order by order, and the clients that ask them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cluster::{Address, Error, Event, Listen, Listener, Primary, Worker, WorkerId};

use crate::harness::{DEADLINE, Events};

/// A worker that does what messages tell it, and answers each of them but `accept` and `serve`,
/// whose answer the client gets.
pub fn obeys(mut me: Worker, _: &str) {
    let mut listeners: Vec<Option<Open>> = Vec::new();
    while let Some(message) = me.recv().unwrap() {
        let order = message.text().unwrap();
        let words: Vec<&str> = order.split(' ').collect();
        let number = || words[1].parse::<usize>().unwrap();
        let listener = || listeners[number()].as_ref().unwrap();
        match words[0] {
            "listen" => match listen(&mut me, &words[1..]) {
                Ok(open) => {
                    me.send(open.address().to_string()).unwrap();
                    listeners.push(Some(open));
                }
                Err(error) => me.send(error.to_string()).unwrap(),
            },
            "close" => {
                drop(listeners[number()].take());
                me.send("closed").unwrap();
            }
            "into_std" => {
                // A listener that gives nothing away comes back.
                let (open, answer) = match listeners[number()].take().unwrap() {
                    Open::Tcp(listener) => match listener.into_std() {
                        Ok(listener) => (Open::Std(listener), "std".to_owned()),
                        Err(error) => (Open::Tcp(error.listener), error.error.to_string()),
                    },
                    other => (other, "std".to_owned()),
                };
                me.send(answer).unwrap();
                listeners[number()] = Some(open);
            }
            "accept" => {
                let _ = listener().serve(me.id(), None).unwrap();
            }
            "try" => {
                let deadline = Instant::now() + Duration::from_millis(words[2].parse().unwrap());
                if !listener().serve(me.id(), Some(deadline)).unwrap() {
                    me.send("nobody came").unwrap();
                }
            }
            "serve" => while listener().serve(me.id(), None).unwrap() {},
            "leave" => return me.disconnect().unwrap(),
            "crash" => std::process::abort(),
            other => panic!("{other}"),
        }
    }
}

/// `HOST:PORT`, `any PORT` or `unix PATH`, then perhaps `only_v6` or `blocking`.
fn listen(me: &mut Worker, words: &[&str]) -> Result<Open, Error> {
    let mut on = match words {
        ["any", port, ..] => Listen::any(port.parse().unwrap()),
        ["unix", path, ..] => return me.listen_unix(path).map(Open::Unix),
        [address, ..] => Listen::from(*address),
        [] => panic!("where?"),
    };
    if words.contains(&"only_v6") {
        on = on.only_v6();
    }
    if words.contains(&"blocking") {
        on = on.blocking();
    }
    me.listen(on).map(Open::Tcp)
}

enum Open {
    Tcp(Listener<TcpStream>),
    Unix(Listener<UnixStream>),
    Std(TcpListener),
}

impl Open {
    fn address(&self) -> &Address {
        match self {
            Open::Tcp(listener) => listener.address(),
            Open::Unix(listener) => listener.address(),
            Open::Std(_) => panic!("ask before"),
        }
    }

    /// Answers one client with the worker's name. Whether one came.
    fn serve(&self, me: WorkerId, until: Option<Instant>) -> Result<bool, Error> {
        let until = until.unwrap_or_else(|| Instant::now() + 100 * DEADLINE);
        let client: Option<Box<dyn Write>> = match self {
            Open::Tcp(listener) => listener.accept_before(until)?.map(|it| Box::new(it) as _),
            Open::Unix(listener) => listener.accept_before(until)?.map(|it| Box::new(it) as _),
            Open::Std(listener) => Some(Box::new(listener.accept().unwrap().0)),
        };
        // The client may be gone: that is its own business.
        Ok(client.map(|mut client| drop(write!(client, "{me}"))).is_some())
    }
}

/// Gives an order and hears the answer.
#[track_caller]
pub fn tell(primary: &mut Primary, worker: WorkerId, order: &str) -> String {
    primary.send(worker, order).unwrap();
    primary.hears(worker).as_str().unwrap().to_owned()
}

/// Gives orders that nobody answers.
#[track_caller]
pub fn order(primary: &mut Primary, workers: &[WorkerId], order: &str) {
    for &worker in workers {
        let _ = primary.send(worker, order).unwrap();
    }
}

/// Workers that obey, online.
pub fn fork_some<const N: usize>(primary: &mut Primary) -> [WorkerId; N] {
    let workers = std::array::from_fn(|_| primary.fork().unwrap());
    primary.waits_until_online(N);
    workers
}

/// Workers that listen and serve there; where that is in truth.
pub fn fork_serving<const N: usize>(primary: &mut Primary, on: &str) -> ([WorkerId; N], String) {
    let workers = fork_some::<N>(primary);
    let mut at = String::new();
    for worker in workers {
        at = tell(primary, worker, &format!("listen {on}"));
    }
    order(primary, &workers, "serve 0");
    (workers, at)
}

/// What a client reads that connects there: an IP address and port, or a path.
pub fn ask(at: &str) -> io::Result<String> {
    let mut text = String::new();
    if !at.contains(':') {
        let mut stream = UnixStream::connect(at)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.read_to_string(&mut text)?;
    } else {
        let address: SocketAddr = at.parse().map_err(io::Error::other)?;
        let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.read_to_string(&mut text)?;
    }
    Ok(text)
}

/// The same, while the primary goes on.
#[track_caller]
pub fn asks(primary: &mut Primary, at: &str) -> String {
    let at = at.to_owned();
    meanwhile(primary, move || ask(&at)).unwrap()
}

/// Whether nobody listens there.
pub fn is_refused(at: &str) -> bool {
    let result = ask(at);
    let gone = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound];
    result.is_err_and(|error| gone.contains(&error.kind()))
}

/// Does this in another thread while the primary goes on.
#[track_caller]
pub fn meanwhile<T: Send + 'static>(
    primary: &mut Primary,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let wakes = Wakes(primary.waker());
    let thread = std::thread::spawn(move || {
        let _at_the_end = wakes;
        work()
    });
    primary.until(|event| matches!(event, Event::Woken).then_some(()));
    thread.join().unwrap()
}

struct Wakes(cluster::Waker);

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// Waits for the exit of this worker.
pub fn until_gone(primary: &mut Primary, gone: WorkerId) {
    let exit = |event| matches!(event, Event::Exit { worker, .. } if worker == gone).then_some(());
    primary.until(exit);
}
