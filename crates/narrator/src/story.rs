//! A story: what the lessons call to tell what happens.

use std::collections::HashMap;
use std::fmt::Display;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::errno::Errno;

use crate::failure::Failure;
use crate::picture::Sketch;
use crate::printer::{Piece, Printer};
use crate::queue::Queue;
use crate::record::Record;
use crate::sentence::Sentence;
use crate::stage::leave;
use crate::telling::Telling;
use crate::text::cut;

/// The pids of so many actors are known at once. A service that stays replaces its workers for
/// ever.
const MOST_PIDS: usize = 10_000;

/// A story being told.
///
/// Cheap to clone, and each clone may go to another thread; the sentences of all clones form one
/// story. When the last clone is dropped, it waits until everything is printed.
///
/// The primary tells the story; workers send what they have to say. A worker that begins a story
/// of its own, with the same flags, would empty the primary's record.
///
/// If standard output is closed (`| head -1`), the program ends at once with exit code 0.
#[derive(Clone, Debug)]
pub struct Story {
    teller: Arc<Teller>,
}

#[derive(Debug)]
struct Teller {
    book: Mutex<Book>,
    voice: Voice,
}

/// What a story remembers. Its lock also keeps record and screen in the same order.
#[derive(Debug)]
struct Book {
    pids: HashMap<String, u32>,
    record: Option<Record>,
    sketch: Option<Sketch>,
    /// With `--pids`.
    shows_pids: bool,
}

#[derive(Debug)]
enum Voice {
    Queue(Queue),
    Here(Mutex<Printer>),
}

impl Story {
    /// Begins a story. A thread prints it, so telling never waits for the terminal.
    ///
    /// Begin it after `cluster::role()`, which must find no other thread.
    ///
    /// # Errors
    /// When the record file cannot be created, or the thread cannot be started.
    pub fn begin(telling: &Telling) -> Result<Story, Failure> {
        let book = Book::open(telling)?;
        let queue = Queue::start(telling).map_err(|error| {
            Failure::new(
                format!("cannot start the thread that prints the story: {error}"),
                "end other programs, or raise the limits that `ulimit -u -n` shows",
            )
        })?;
        Ok(Story::new(book, Voice::Queue(queue)))
    }

    /// Begins a story without a thread, for a program that calls fork(2) itself.
    ///
    /// Only the thread that calls fork(2) lives on in the child: a printer thread would not, and
    /// the child would wait for it. So this story prints each sentence before `tell` returns, keeps
    /// nothing in a buffer, and waits in place for the pace that was asked for.
    ///
    /// # Errors
    /// When the record file cannot be created.
    pub fn by_hand(telling: &Telling) -> Result<Story, Failure> {
        let book = Book::open(telling)?;
        Ok(Story::new(book, Voice::Here(Mutex::new(Printer::new(telling, None)))))
    }

    fn new(book: Book, voice: Voice) -> Story {
        Story { teller: Arc::new(Teller { book: Mutex::new(book), voice }) }
    }

    /// Tells one sentence: who does what, to whom. Verb or object may be empty.
    ///
    /// Line ends in it become spaces, and other control characters are shown escaped, so it is safe
    /// to tell what a worker or a client has sent. Of each part no more than 4 KiB are told; the
    /// rest is counted.
    ///
    /// Telling never waits. If nobody reads for so long that 1 MiB waits to be printed, sentences
    /// are left out, and how many is told in their place; the record has all of them.
    pub fn tell(&self, actor: impl Display, verb: impl Display, object: impl Display) {
        self.told(actor, verb, object, None);
    }

    /// Tells a sentence that is meant for somebody whom it does not name: the record (`to`) and the
    /// picture say whom.
    pub fn tell_to(
        &self,
        actor: impl Display,
        to: impl Display,
        verb: impl Display,
        object: impl Display,
    ) {
        self.told(actor, verb, object, Some(cut(to)));
    }

    /// Tells a sentence for the record and the picture alone: what happens too often, or too fast, to
    /// be read while it does.
    pub fn aside(&self, actor: impl Display, verb: impl Display, object: impl Display) {
        let mut book = self.book();
        let sentence = book.compose(actor, verb, object);
        book.write_down(&Sentence { aside: true, ..sentence });
    }

    /// Shows lines that are no sentence (a table, a blank line) in their place between sentences.
    ///
    /// They are printed as they are, without wrapping and without a pause before them; a newline at
    /// the end may be left out. The record holds sentences only, so they are not recorded.
    pub fn show(&self, text: impl Display) {
        let text = text.to_string();
        let _in_order = self.book();
        self.teller.voice.say(Piece::Lines(text));
    }

    /// Makes an actor's process id known, for the sentences told from now on: they show it with
    /// `--pids`, and carry it in the record as `pid`.
    ///
    /// The story knows the pid of `primary` already: it is the process that began the story.
    pub fn meet(&self, actor: impl Display, pid: u32) {
        let mut book = self.book();
        if book.pids.len() >= MOST_PIDS {
            // The others are gone, or will be met again.
            book.pids.retain(|actor, _| actor == "primary");
        }
        book.pids.insert(cut(actor), pid);
    }

    /// Stops waiting for pauses and for Enter: what is told, and what will be, is printed at once.
    ///
    /// For a program that was asked to stop, by Ctrl-C for example, and for every service that
    /// ends: from now on its end waits for a reader that does not read no longer than a second.
    pub fn hurry(&self) {
        match &self.teller.voice {
            Voice::Queue(queue) => queue.hurry(),
            Voice::Here(printer) => lock(printer).hurry(),
        }
    }

    /// Waits until everything told so far is printed; after [`hurry`](Story::hurry), no longer than
    /// a second.
    ///
    /// Dropping the last clone does the same. Call it before `std::process::exit` or a signal
    /// that ends the process, for they drop nothing.
    pub fn end(&self) {
        match &self.teller.voice {
            Voice::Queue(queue) => queue.wait_until_printed(),
            Voice::Here(printer) => lock(printer).flush(),
        }
    }

    fn told(
        &self,
        actor: impl Display,
        verb: impl Display,
        object: impl Display,
        to: Option<String>,
    ) {
        let mut book = self.book();
        let sentence = Sentence { to, ..book.compose(actor, verb, object) };
        book.write_down(&sentence);
        self.teller.voice.say(Piece::Sentence(sentence));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.teller.book)
    }
}

impl Voice {
    fn say(&self, piece: Piece) {
        match self {
            Voice::Queue(queue) => queue.push(piece),
            // A sleep is right here: pace is all it is for, and there is no other thread to wake us.
            Voice::Here(printer) => lock(printer).print(&piece, thread::sleep),
        }
    }
}

/// The last clone is gone: all is told.
impl Drop for Teller {
    fn drop(&mut self) {
        let book = lock(&self.book);
        // A child made by fork(2) has a copy of the story, which is not its to end.
        if book.pids.get("primary") != Some(&process::id()) {
            return;
        }
        let broken = thread::panicking();
        if !broken && let Some(picture) = book.picture() {
            self.voice.say(Piece::Lines(format!("\n{picture}")));
        }
        if let Voice::Here(printer) = &self.voice {
            let mut printer = lock(printer);
            if broken {
                printer.hurry(); // a broken program must not ask before it may end
            }
            printer.flush();
        }
    }
}

impl Book {
    fn open(telling: &Telling) -> Result<Book, Failure> {
        let record = telling.record.as_deref().map(Record::create).transpose()?;
        let pids = HashMap::from([("primary".to_owned(), process::id())]);
        let of = telling.picture_of.clone().unwrap_or_default();
        let sketch = telling.picture.map(|picture| Sketch::begin(picture, of));
        Ok(Book { pids, record, sketch, shows_pids: telling.pids })
    }

    fn compose(&self, actor: impl Display, verb: impl Display, object: impl Display) -> Sentence {
        let (actor, verb, object) = (cut(actor), cut(verb), cut(object));
        let pid = self.pids.get(&actor).copied();
        Sentence { actor, pid, verb, object, to: None, aside: false }
    }

    fn picture(&self) -> Option<String> {
        self.sketch.as_ref()?.draw(self.shows_pids)
    }

    fn write_down(&mut self, sentence: &Sentence) {
        if let Some(sketch) = &mut self.sketch {
            sketch.add(sentence);
        }
        let Some(record) = &mut self.record else { return };
        if let Err(error) = record.write(sentence) {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            leave(&record.path().display().to_string(), errno);
        }
    }
}

/// Locks, even after a panic elsewhere: each change is a single step, so nothing is half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
