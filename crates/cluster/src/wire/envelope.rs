//! The cluster layer's messages: `{"cmd":"NODE_CLUSTER", …, "seq":N}`, fields in Node's order.

use serde::Serialize;
use serde_json::{Map, Value};

/// A message of the cluster layer on its way out. Fields that are `None` are left out; the order of the fields is the
/// order in which Node writes them, for every kind of message.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Envelope {
    cmd: Cmd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<u64>,
    pub seq: u64,
}

/// Serializes as the one word `NODE_CLUSTER`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
enum Cmd {
    #[default]
    #[serde(rename = "NODE_CLUSTER")]
    Cluster,
}

impl Envelope {
    /// `act` alone: `online`, `disconnect`, `exitedAfterDisconnect`.
    pub(crate) fn act(act: &'static str, seq: u64) -> Envelope {
        Envelope { act: Some(act), seq, ..Envelope::default() }
    }

    /// The bare answer to the request `ack`.
    pub(crate) fn answer(ack: u64, seq: u64) -> Envelope {
        Envelope { ack: Some(ack), seq, ..Envelope::default() }
    }
}

/// A message of the cluster layer that came in. Fields are looked at one by one, so that an unknown or odd one does no harm.
#[derive(Debug, PartialEq)]
pub(crate) struct Received(pub(super) Map<String, Value>);

impl Received {
    pub(crate) fn act(&self) -> Option<&str> {
        self.0.get("act")?.as_str()
    }

    /// The number that an answer to this message has to carry.
    pub(crate) fn seq(&self) -> Option<u64> {
        self.0.get("seq")?.as_u64()
    }

    /// The request that this message answers.
    pub(crate) fn ack(&self) -> Option<u64> {
        self.0.get("ack")?.as_u64()
    }
}
