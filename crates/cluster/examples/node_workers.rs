//! Two workers of an unmodified Node program: `cargo run -p cluster --example node_workers --
//! app.mjs`
//!
//! The channel speaks Node's own protocol, so the program notices nothing:
//! `http.createServer(…).listen(3000)` in it is shared by both.

use std::time::Duration;

use cluster::{Event, Role, Settings, Signal};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Role::Primary(mut primary) = cluster::role()? else {
        return Err("the workers are Node's".into());
    };
    let program: Vec<String> = std::env::args().skip(1).collect();
    primary.setup(Settings::new().exec("node").args(program));
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    for _ in 0..2 {
        primary.fork()?;
    }
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Signal(_) => primary.begin_shutdown(Duration::from_secs(5)),
            Event::Setup(_) => {}
            event => println!("{event:?}"),
        }
    }
    Ok(())
}
