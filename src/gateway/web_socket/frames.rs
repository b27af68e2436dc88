//! The frames of a WebSocket, as far as one must know them to find where each ends.

/// Follows what the gateway sends to the client of a WebSocket: the head of the answer, then the frames of the app (RFC 6455 §5.2).
#[derive(Clone, Copy)]
pub(super) struct Frames(Part);

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Part {
    /// The head: how many bytes of it have come, up to those of its status, and how many of the empty line at its end.
    Head { length: usize, end: usize },
    /// The header of a frame. As long as none of it has come, the byte before was the last of a frame or of the head.
    Header { bytes: [u8; LONGEST_HEADER], length: usize },
    /// The rest of a frame, of which so many bytes are to come.
    Payload { left: u64, is_close: bool },
    /// What comes behind the frame that closes the WebSocket, or behind a head that opens none.
    Closed,
}

impl Frames {
    /// The head is still to come.
    pub(super) fn new() -> Self {
        Self(Part::Head { length: 0, end: 0 })
    }

    /// Whether another frame may be sent now: no frame has begun, and none was the last.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.0, Part::Header { length: 0, .. })
    }

    /// Follows these bytes.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.follow_one(bytes)..];
        }
    }

    /// How many of these bytes belong to the frame that has begun; all of them, if it does not end among them.
    pub(super) fn rest_of_frame(mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        while count < bytes.len() && !self.is_between() {
            count += self.follow_one(&bytes[count..]);
        }
        count
    }

    /// Follows some of these bytes, at least one, and not beyond the end of a frame. Returns how many.
    fn follow_one(&mut self, bytes: &[u8]) -> usize {
        match &mut self.0 {
            Part::Head { length, end } => {
                if *length < STATUS.len() {
                    let is_status = *length < VERSION || bytes[0] == STATUS[*length];
                    *length += 1;
                    if !is_status {
                        self.0 = Part::Closed;
                    }
                    return 1;
                }
                *end = match bytes[0] {
                    byte if byte == END_OF_HEAD[*end] => *end + 1,
                    b'\r' => 1,
                    _ => 0,
                };
                if *end == END_OF_HEAD.len() {
                    self.0 = Part::next_frame();
                }
                1
            }
            Part::Header { bytes: header, length } => {
                header[*length] = bytes[0];
                *length += 1;
                if *length >= 2 && *length == length_of_header(header) {
                    let is_close = header[0] & OPCODE == CLOSE;
                    self.0 = Part::payload(length_of_payload(header), is_close);
                }
                1
            }
            Part::Payload { left, is_close } => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                self.0 = Part::payload(*left - count as u64, *is_close);
                count
            }
            Part::Closed => bytes.len(),
        }
    }
}

impl Part {
    fn next_frame() -> Self {
        Self::Header { bytes: [0; LONGEST_HEADER], length: 0 }
    }

    /// What follows the header of a frame, or a part of its payload.
    fn payload(left: u64, is_close: bool) -> Self {
        match (left, is_close) {
            (0, true) => Self::Closed,
            (0, false) => Self::next_frame(),
            (left, is_close) => Self::Payload { left, is_close },
        }
    }
}

/// The length of a header that begins with these two bytes.
fn length_of_header(header: &[u8; LONGEST_HEADER]) -> usize {
    // A server must not mask its frames, but may break this rule.
    let mask = if header[1] & MASKED == 0 { 0 } else { 4 };
    mask + match header[1] & !MASKED {
        LENGTH_IN_2 => 4,
        LENGTH_IN_8 => 10,
        _ => 2,
    }
}

fn length_of_payload(header: &[u8; LONGEST_HEADER]) -> u64 {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    match header[1] & !MASKED {
        LENGTH_IN_2 => number(&header[2..4]),
        LENGTH_IN_8 => number(&header[2..10]),
        length => length.into(),
    }
}

const STATUS: &[u8] = b"HTTP/1.1 101";
/// How many bytes of it are the version, which may be another one.
const VERSION: usize = 8;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// Two bytes, the length in eight, and the mask in four.
const LONGEST_HEADER: usize = 14;
const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 8;
const MASKED: u8 = 0x80;
const LENGTH_IN_2: u8 = 126;
const LENGTH_IN_8: u8 = 127;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// A frame with so many bytes of payload, whose length is in the shortest form or in a longer one.
    fn frame(opcode: u8, length: usize, form: u8, is_masked: bool) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        let mask = if is_masked { MASKED } else { 0 };
        match (length, form) {
            (..126, 0) => frame.push(mask | length as u8),
            (..65_536, 0 | 1) => {
                frame.push(mask | LENGTH_IN_2);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | LENGTH_IN_8);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(if is_masked { &[1, 2, 3, 4][..] } else { &[] });
        // Payload that looks like headers.
        frame.extend([0x88, 0x02].iter().cycle().take(length));
        frame
    }

    fn after(bytes: &[u8]) -> Frames {
        let mut frames = Frames::new();
        frames.follow(bytes);
        frames
    }

    #[test]
    fn the_head_ends_where_its_empty_line_does() {
        assert!(after(HEAD).is_between());
        for length in 0..HEAD.len() {
            assert!(!after(&HEAD[..length]).is_between(), "{length}");
        }
        assert!(after(b"HTTP/1.0 101 x\r\nA: b\r\r\n\r\n").is_between());
        for other in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "\r\n\r\n"] {
            assert!(!after(other.as_bytes()).is_between(), "{other}");
        }
    }

    #[test]
    fn nothing_comes_behind_a_frame_that_closes() {
        for close in [frame(CLOSE, 0, 0, false), frame(CLOSE, 2, 0, false)] {
            let mut frames = after(&[HEAD, &close].concat());
            assert!(!frames.is_between());
            frames.follow(&frame(1, 3, 0, false));
            assert!(!frames.is_between());
        }
    }

    #[test]
    fn a_frame_may_be_as_long_as_its_header_can_say() {
        let mut frames = after(&[HEAD, &[0x82, LENGTH_IN_8], &[0xff; 8][..], &[0; 1000]].concat());
        assert!(!frames.is_between());
        frames.follow(&[0; 1000]);
        assert!(!frames.is_between());
    }

    proptest! {
        #[test]
        fn every_end_of_a_frame_is_found_and_nothing_else_is_taken_for_one(
            described in prop::collection::vec((0..8_u8, prop_oneof![0..200_usize, 65_000..70_000_usize], 0..3_u8, any::<bool>()), 0..4),
            cut in 1..5000_usize,
        ) {
            let mut sent = HEAD.to_vec();
            let mut ends = vec![sent.len()];
            for (opcode, length, form, is_masked) in described {
                sent.extend(frame(opcode, length, form, is_masked));
                ends.push(sent.len());
            }
            let (mut frames, mut count) = (Frames::new(), 0);
            for piece in sent.chunks(cut) {
                let next = ends.iter().find(|end| **end >= count).copied().unwrap();
                prop_assert_eq!(frames.rest_of_frame(piece), (next - count).min(piece.len()));
                frames.follow(piece);
                count += piece.len();
                prop_assert_eq!(frames.is_between(), ends.contains(&count));
            }
        }
    }
}
