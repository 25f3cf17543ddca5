//! Bytes become text only when a line is whole, and so are its letters.

pub fn feed(rest: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    rest.extend_from_slice(piece);
    let mut lines = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = rest.drain(..=end).collect();
        lines.push(String::from_utf8_lossy(&line[..end]).into_owned());
    }
    lines
}
