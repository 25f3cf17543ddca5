//! `--door`: the moment between the last accept and the close, held still.

use std::net::TcpListener;

use narrator::{Outcome, Story};
use visitors::{Connection, Guest, Visitor};

use crate::visits::ASK;
use crate::worker::answer;
use crate::{Args, lost};

const ADDRESS: &str = "127.0.0.1:0";

pub(crate) fn run(args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    let connect = |number: u32, listener: &TcpListener| {
        let mut visitor = Visitor::new(listener.local_addr()?)?.connect()?;
        visitor.send(ASK)?;
        let who = format!("visitor {number}");
        story.tell(who, "connects, and sends its request", "");
        crate::Result::<Connection>::Ok(visitor)
    };

    let door = TcpListener::bind(ADDRESS)?;
    let mut one = connect(1, &door)?; // accept(2) is never called
    drop(door);
    story.tell("primary", "closes the door before it takes", "visitor 1");
    let Err(trouble) = one.hear() else { return lost("who answered?") };
    story.tell("visitor 1", "sees:", trouble);

    let door = TcpListener::bind(ADDRESS)?;
    let kept = door.try_clone()?; // as if another process had it, too
    let mut two = connect(2, &door)?;
    drop(door);
    story.tell("primary", "closes the door, but somebody else", "holds it");
    let mut guest = Guest::new(kept.accept()?.0);
    guest.next_request(visitors::PATIENCE)?;
    guest.answer(&answer(1, false))?;
    story.tell("worker 1", "comes later, gets the door, and answers", "");
    let heard = two.hear()?;
    story.tell("visitor 2", "sees", format!("{}", heard.status));
    Ok(())
}
