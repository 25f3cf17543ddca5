//! What a primary of ours tells its workers before they start, in a variable that Node does not
//! know.

use crate::SchedulingPolicy;

/// The longest line on the channel, in bytes, if the settings do not say.
pub(crate) const LINE_LIMIT: usize = 8 * 1024 * 1024;

/// How many bytes of messages may wait for a worker, if the settings do not say.
pub(crate) const QUEUE_LIMIT: usize = 1024 * 1024;

/// How long a line may be that is not passed over, where messages may have `line_limit` bytes: with
/// less than the cluster layer may say, nobody could be online, or listen.
pub(crate) fn heard(line_limit: usize) -> usize {
    line_limit.max(crate::wire::INTERNAL_LIMIT)
}

/// The limits that hold for a channel, on both sides, and the policy in force. A worker with these
/// has a primary of ours, which understands `taken` and `listenFailed`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Terms {
    pub line_limit: usize,
    pub queue_limit: usize,
    pub policy: SchedulingPolicy,
}

impl Terms {
    /// The variable that carries them. A worker of ours takes it out of its environment.
    pub(crate) const VARIABLE: &str = "CLUSTER_PRIMARY";

    pub(crate) fn to_text(self) -> String {
        let Terms { line_limit, queue_limit, policy } = self;
        let policy = match policy {
            SchedulingPolicy::RoundRobin => "rr",
            SchedulingPolicy::Shared => "none",
        };
        format!("{line_limit} {queue_limit} {policy}")
    }

    /// `None`: not written by us.
    pub(crate) fn from_text(text: &str) -> Option<Terms> {
        let mut words = text.split(' ');
        let line_limit = words.next()?.parse().ok()?;
        let queue_limit = words.next()?.parse().ok()?;
        let policy = match words.next()? {
            "rr" => SchedulingPolicy::RoundRobin,
            "none" => SchedulingPolicy::Shared,
            _ => return None,
        };
        words.next().is_none().then_some(Terms { line_limit, queue_limit, policy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_were_written_and_nothing_else_is() {
        for policy in [SchedulingPolicy::RoundRobin, SchedulingPolicy::Shared] {
            let terms = Terms { line_limit: 7, queue_limit: 99, policy };
            assert_eq!(Terms::from_text(&terms.to_text()), Some(terms));
        }
        for text in ["", "1 2", "1 2 fair", "1 2 rr more", "-1 2 rr", "a b rr"] {
            assert_eq!(Terms::from_text(text), None, "{text}");
        }
    }
}
