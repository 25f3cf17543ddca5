//! What must hold of the way in, whatever a peer says and however the kernel cuts it. The property
//! tests ask it, the fuzzing does (`fuzz/`, which takes this very file), and each input that the
//! fuzzing found worth keeping is asked again by the ordinary tests.
//!
//! An input is a line that says how to read, and then all that the peer says. The first byte of
//! that line chooses the cap; each further one is a read: how long it is, and how many descriptors
//! come with it that nobody asked for. In what the peer says, `0xff` stands for [`MUCH`] letters.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::wire::{BadLine, Decoder, Incoming};

/// A limit that no line here reaches.
pub(crate) const NO_LIMIT: usize = 8 * 1024 * 1024;

/// More than the decoder's buffer holds at first, so that it has to grow.
const MUCH: usize = 70_000;
/// Inputs stay small enough for thousands of runs a second.
const MUCH_AT_MOST: usize = 4;
/// So many reads, and so many lines: enough, and no more than a process has descriptors for.
const READS: usize = 128;
const LINES: usize = 128;
/// What the decoder's buffer measures while nothing is in it, and how far beyond the limit it may
/// grow.
const ONE_READ: usize = 64 * 1024;

/// Panics if something does not hold.
pub(crate) fn check(input: &[u8]) {
    let (how, said) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (&[][..], input),
    };
    let (&cap, reads) = how.split_first().unwrap_or((&b'0', &[]));
    let plan = Plan {
        limit: [NO_LIMIT, 40, 2_000, MUCH][usize::from(cap % 4)],
        withheld: cap & 0x80 != 0,
        reads: reads.iter().take(READS).map(|&read| Cut::from(read)).collect(),
    };
    plan.check(&lines(said));
}

/// How a stream is read.
#[derive(Debug)]
pub(crate) struct Plan {
    pub limit: usize,
    /// No handle's line brings its descriptor.
    pub withheld: bool,
    /// After these, all that is left is read at once.
    pub reads: Vec<Cut>,
}

/// One read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub length: usize,
    /// Descriptors that come with it although the protocol has none there.
    pub strays: usize,
}

impl From<u8> for Cut {
    fn from(byte: u8) -> Cut {
        let length = match byte & 0x3f {
            0x3f => MUCH,
            short => 1 + usize::from(short),
        };
        Cut { length, strays: usize::from(byte >> 6) }
    }
}

impl Plan {
    /// Decodes these lines as the plan says, and each one alone by a decoder of its own: what a
    /// line means depends neither on how the stream is cut nor on what stands before it. Nobody
    /// keeps a descriptor.
    pub(crate) fn check(&self, lines: &[Vec<u8>]) {
        let (mut apart, mut together) = (Travellers::default(), Travellers::default());
        let mut stream = VecDeque::new();
        let mut expected = Vec::new();
        for line in lines {
            let mut alone = self.alone(line, Vec::new());
            let handle =
                matches!(alone[..], [Incoming::HandleWithoutDescriptor | Incoming::BadHandle(_)]);
            let asks = handle && !self.withheld;
            if asks {
                alone = self.alone(line, apart.set_out(1));
            }
            stream.push_back((&line[..], asks));
            let over = line.len() - 1 > self.limit;
            let passed_over = match &alone[..] {
                [Incoming::Bad(bad) | Incoming::BadHandle(bad)] => {
                    *bad == BadLine::TooLong { limit: self.limit }
                }
                _ => false,
            };
            assert_eq!(over, passed_over);
            expected.extend(alone.into_iter().map(told));
        }
        let mut got = self.decode(stream, &mut together);
        if self.reads.iter().any(|read| read.strays > 0) {
            // Who sends descriptors that nobody asked for mixes up his own. He loses no message by
            // it.
            forget_descriptors(&mut expected);
            forget_descriptors(&mut got);
        }
        assert_eq!(got, expected, "{self:?}");
    }

    fn alone(&self, line: &[u8], fds: Vec<OwnedFd>) -> Vec<Incoming> {
        feed(&mut Decoder::new(self.limit), line, fds)
    }

    fn decode(&self, mut rest: VecDeque<(&[u8], bool)>, fds: &mut Travellers) -> Vec<Heard> {
        let mut decoder = Decoder::new(self.limit);
        let mut heard = Vec::new();
        let mut unfinished = 0;
        let mut cuts = self.reads.iter().copied();
        while !rest.is_empty() {
            let Cut { length, strays } =
                cuts.next().unwrap_or(Cut { length: usize::MAX, strays: 0 });
            let (bytes, brings) = read(&mut rest, length.min(decoder.space().len()));
            let incoming = feed(&mut decoder, &bytes, fds.set_out(usize::from(brings) + strays));
            heard.extend(incoming.into_iter().map(told));
            unfinished = match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => bytes.len() - at - 1,
                None => unfinished + bytes.len(),
            };
            let kept = if unfinished > self.limit { 0 } else { unfinished };
            let buffer = kept + decoder.space().len();
            assert!(
                buffer <= (4 * (kept + ONE_READ)).min(self.limit + ONE_READ),
                "{self:?}: {buffer}"
            );
            assert!(kept > 0 || buffer == ONE_READ, "{self:?}: {buffer}");
        }
        let next = feed(&mut decoder, b"1\n", Vec::new());
        assert!(
            matches!(&next[..], [Incoming::User(one)] if one.to_string() == "1"),
            "{self:?}: {next:?}"
        );
        assert!(fds.are_home(), "{self:?}: a descriptor is open");
        heard
    }
}

/// One recvmsg(2): it never reads past the write that brought a descriptor, and who keeps to the
/// protocol writes no more than the line with it.
fn read(rest: &mut VecDeque<(&[u8], bool)>, length: usize) -> (Vec<u8>, bool) {
    let (mut bytes, mut brings) = (Vec::new(), false);
    while let Some((line, asks)) = rest.front_mut()
        && bytes.len() < length
        && !brings
    {
        let (now, later) = line.split_at(line.len().min(length - bytes.len()));
        bytes.extend(now);
        brings = std::mem::take(asks);
        *line = later;
        if later.is_empty() {
            rest.pop_front();
        }
    }
    (bytes, brings)
}

/// Gives the decoder what one read brought.
pub(crate) fn feed(decoder: &mut Decoder, bytes: &[u8], mut fds: Vec<OwnedFd>) -> Vec<Incoming> {
    let mut all = Vec::new();
    let mut rest = bytes;
    loop {
        let space = decoder.space();
        let (now, later) = rest.split_at(rest.len().min(space.len()));
        space[..now.len()].copy_from_slice(now);
        decoder.received(now.len(), std::mem::take(&mut fds));
        all.extend(std::iter::from_fn(|| decoder.next()));
        rest = later;
        if rest.is_empty() {
            return all;
        }
    }
}

/// All that the peer says, line by line. The last line ends, too, so that whoever waits for it has
/// waited enough.
pub(crate) fn lines(said: &[u8]) -> Vec<Vec<u8>> {
    let mut much = 0;
    let mut lines = Vec::new();
    for line in said.split(|byte| *byte == b'\n').take(LINES) {
        let mut whole = Vec::new();
        for &byte in line {
            if byte == 0xff && much < MUCH_AT_MOST {
                much += 1;
                whole.resize(whole.len() + MUCH, b'x');
            } else {
                whole.push(byte);
            }
        }
        whole.push(b'\n');
        lines.push(whole);
    }
    lines
}

/// What came in, in words, and the number of the descriptor that came along.
type Heard = (String, Option<u8>);

fn told(incoming: Incoming) -> Heard {
    match incoming {
        Incoming::UserWithHandle(json, fd) => (format!("user {json}"), Some(number_of(fd))),
        Incoming::ClusterWithHandle(it, fd) => (format!("cluster {it:?}"), Some(number_of(fd))),
        other => (format!("{other:?}"), None),
    }
}

/// What is left when descriptors do not count.
fn forget_descriptors(heard: &mut Vec<Heard>) {
    let refused = format!("{:?}", Incoming::HandleWithoutDescriptor);
    let unasked = format!("{:?}", Incoming::Bad(BadLine::UnaskedDescriptor));
    heard.retain(|(message, _)| *message != unasked);
    for (message, descriptor) in heard {
        if descriptor.take().is_some() || *message == refused {
            "a handle".clone_into(message);
        }
    }
}

/// Descriptors with numbers, in the order in which they were sent.
#[derive(Default)]
struct Travellers {
    other_ends: Vec<UnixStream>,
}

impl Travellers {
    fn set_out(&mut self, count: usize) -> Vec<OwnedFd> {
        let one = |_| {
            let (travels, mut stays) = UnixStream::pair().expect("a pair of sockets");
            stays.write_all(&[self.other_ends.len() as u8]).expect("room for a byte");
            self.other_ends.push(stays);
            travels.into()
        };
        (0..count).map(one).collect()
    }

    /// Whether nobody holds one any more.
    fn are_home(&self) -> bool {
        self.other_ends.iter().all(is_closed)
    }
}

/// Whether nobody holds the other end.
pub(crate) fn is_closed(mut stays: &UnixStream) -> bool {
    stays.set_nonblocking(true).is_ok_and(|()| !would_block(stays.read(&mut [0])))
}

fn would_block(read: std::io::Result<usize>) -> bool {
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

fn number_of(fd: OwnedFd) -> u8 {
    let mut number = [0];
    UnixStream::from(fd).read_exact(&mut number).expect("the byte that was written to it");
    number[0]
}
