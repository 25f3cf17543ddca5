//! The clients that lessons bring along, and the little HTTP that their workers speak.
//!
//! A [`Visitor`] asks a server on this machine, in one of five ways, and tells what it saw:
//!
//! | kind | what it does |
//! |---|---|
//! | [`visit`](Visitor::visit) | one connection, one request |
//! | [`stay`](Visitor::stay) | many requests on one connection (keep-alive) |
//! | [`come`](Visitor::come) | the same, for this and that, when somebody says so |
//! | [`visit_slowly`](Visitor::visit_slowly) | sends its request late, or byte by byte |
//! | [`vanish`](Visitor::vanish) | goes away before it has asked |
//!
//! With [`connect`](Visitor::connect) it only comes, and a lesson says what it sends, and when.
//!
//! ```
//! use std::net::TcpListener;
//! use visitors::{Guest, Response, Visitor};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let visitor = Visitor::new(listener.local_addr()?)?;
//! let server = std::thread::spawn(move || -> std::io::Result<()> {
//!     let mut guest = Guest::new(listener.accept()?.0);
//!     if let Ok(Some(_request)) = guest.next_request(visitors::PATIENCE) {
//!         guest.answer(&Response::text(200, "worker 2\n").header("X-Worker", 2))?;
//!     }
//!     Ok(())
//! });
//! let seen = visitor.visit("/");
//! assert_eq!(seen.worker(), Some(2));
//! assert!(seen.result?.is_success());
//! # server.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything blocks, and everything has an end: a visit ends within its patience, and neither side keeps more of
//! what it is sent than the limits say. Threads run only where [`at_once`](Visitor::at_once) asks for them.
//!
//! Visitors go to this machine only. They are made for watching a server, not for troubling anybody else's.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod body;
mod connection;
mod guest;
mod request;
mod seen;
mod trouble;
mod visitor;

pub use answer::{Answer, MAX_BODY, MAX_HEAD, MAX_HEADERS};
pub use connection::Connection;
pub use guest::{Guest, Refusal, Response};
pub use request::{MAX_REQUEST_BODY, MAX_REQUEST_HEAD, Request};
pub use seen::Seen;
pub use trouble::Trouble;
pub use visitor::{Leaves, PATIENCE, Slowness, Stay, Visitor};
