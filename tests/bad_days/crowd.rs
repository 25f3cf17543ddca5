//! Clients that ask without end, each on a connection of its own for each request, and note what
//! became of it.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc::linger;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Linger;

use crate::support::IN_TIME;

/// How a client asks.
#[derive(Clone, Copy, Debug)]
pub enum Asks {
    /// `GET` this path, by HTTP.
    For(&'static str),
    /// It says nothing: a server that is connected to says a line.
    Nothing,
}

/// One connection, and what became of it.
#[derive(Clone, Debug)]
pub struct Visit {
    pub began: Instant,
    /// The client's port; `None`: it could not connect.
    pub port: Option<u16>,
    /// When write(2) had taken the last byte of the request; with nothing to write, when connect(2)
    /// was over.
    pub written: Option<Instant>,
    pub ended: Instant,
    /// `Err`: no whole answer came; why.
    pub answer: Result<(), String>,
}

/// Clients in threads of their own. They end with it.
pub struct Crowd {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Vec<Visit>>>,
}

struct Shared {
    server: SocketAddr,
    pause: Duration,
    patience: Duration,
    over: AtomicBool,
    answered: Vec<AtomicUsize>,
}

impl Crowd {
    /// One client for each of these; between two requests it makes a pause, and it waits that long
    /// for an answer.
    pub fn start(
        server: SocketAddr,
        clients: &[Asks],
        pause: Duration,
        patience: Duration,
    ) -> Crowd {
        let answered = clients.iter().map(|_| AtomicUsize::new(0)).collect();
        let over = AtomicBool::new(false);
        let shared = Arc::new(Shared { server, pause, patience, over, answered });
        let client = |(number, &asks): (usize, &Asks)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.ask_and_ask(number, asks))
        };
        let clients = clients.iter().enumerate().map(client).collect();
        Crowd { shared, clients }
    }

    /// How many answers each of them got.
    fn answered(&self) -> Vec<usize> {
        self.shared.answered.iter().map(|it| it.load(SeqCst)).collect()
    }

    /// Waits until each of them got so many answers more; whether that was in time.
    pub fn each_is_answered(&self, more: usize) -> bool {
        let before = self.answered();
        let until = Instant::now() + IN_TIME;
        while self.answered().iter().zip(&before).any(|(now, before)| now - before < more) {
            if Instant::now() > until {
                return false;
            }
            thread::sleep(Duration::from_millis(1)); // nothing to wait on
        }
        true
    }

    /// Waits until all together got so many answers.
    pub fn wait_for_answers(&self, count: usize) {
        let until = Instant::now() + IN_TIME;
        while self.answered().iter().sum::<usize>() < count {
            assert!(Instant::now() < until, "no {count} answers: {:?}", self.answered());
            thread::sleep(Duration::from_micros(300)); // nothing to wait on
        }
    }

    /// Lets each of them end what it has begun. What all of them saw.
    pub fn leave(mut self) -> Vec<Visit> {
        self.shared.over.store(true, SeqCst);
        let clients = std::mem::take(&mut self.clients);
        clients.into_iter().flat_map(|it| it.join().expect("a client does not panic")).collect()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
    }
}

impl Shared {
    fn ask_and_ask(&self, number: usize, asks: Asks) -> Vec<Visit> {
        let mut visits = Vec::new();
        while !self.over.load(SeqCst) {
            let visit = visit(self.server, asks, self.patience);
            match &visit.answer {
                Ok(()) => drop(self.answered[number].fetch_add(1, SeqCst)),
                // Who is refused does not ask again and again without a pause.
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
            visits.push(visit);
            thread::sleep(self.pause);
        }
        visits
    }
}

/// Connects, asks, and reads to the end.
pub fn visit(server: SocketAddr, asks: Asks, patience: Duration) -> Visit {
    let began = Instant::now();
    let mut visit = Visit { began, port: None, written: None, ended: began, answer: Ok(()) };
    let answer = try_to(server, asks, patience, &mut visit);
    visit.ended = Instant::now();
    visit.answer = answer.map_err(|error| error.to_string());
    visit
}

fn try_to(server: SocketAddr, asks: Asks, patience: Duration, visit: &mut Visit) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    visit.port = Some(stream.local_addr()?.port());
    stream.set_read_timeout(Some(patience))?;
    if let Asks::For(path) = asks {
        stream.write_all(request(path).as_bytes())?;
    }
    visit.written = Some(Instant::now());
    answer(&mut stream, asks)?;
    forget(&stream)
}

/// Lets nothing of a connection whose end was seen stay in the kernel's tables: thousands that wait
/// there for a minute would take the ports, and make it slow to see who holds which connection.
fn forget(stream: &TcpStream) -> io::Result<()> {
    let at_once = linger { l_onoff: 1, l_linger: 0 };
    Ok(setsockopt(stream, Linger, &at_once)?)
}

/// The bytes of a request after whose answer the server closes.
pub fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Reads until the other side closes; whether all of the answer has come.
pub fn answer(stream: &mut TcpStream, asks: Asks) -> io::Result<()> {
    let (mut text, mut block) = (Vec::new(), [0; 4096]);
    let end = loop {
        match stream.read(&mut block) {
            Ok(0) => break ErrorKind::UnexpectedEof.into(),
            Ok(length) => text.extend_from_slice(&block[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    let text = String::from_utf8_lossy(&text);
    match asks {
        Asks::Nothing if text.ends_with('\n') => Ok(()),
        Asks::For(_) if is_whole(&text) => Ok(()),
        // An answer of another kind is none.
        _ if text.starts_with("HTTP/1.1 ") && !text.starts_with("HTTP/1.1 200") => {
            Err(Error::other(text.lines().next().unwrap_or_default().to_owned()))
        }
        _ => Err(end), // a reset, a close, or no patience left
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    head.starts_with("HTTP/1.1 200") && length == Some(body.len())
}
