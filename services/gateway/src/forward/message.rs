//! The lengths of gRPC messages, without the messages.

/// A message announces more bytes than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Bytes before each message: whether it is compressed, and its length as a big-endian `u32`.
const PREFIX: usize = 5;

/// Follows the messages in a body, cut into pieces anywhere, by their length prefixes.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    prefix: [u8; PREFIX],
    /// How much of the next prefix is there.
    have: usize,
    /// Bytes of the current message that are to come.
    rest: usize,
}

impl Meter {
    /// Allows messages of at most `limit` bytes, as they are on the wire.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, prefix: [0; PREFIX], have: 0, rest: 0 }
    }

    /// Takes the next piece of the body.
    ///
    /// # Errors
    /// A message that begins in it is too large. It is known by its prefix, before any of its bytes.
    pub(crate) fn pass(&mut self, mut piece: &[u8]) -> Result<(), TooLarge> {
        while !piece.is_empty() {
            if self.rest > 0 {
                let passed = self.rest.min(piece.len());
                self.rest -= passed;
                piece = &piece[passed..];
                continue;
            }
            let taken = (PREFIX - self.have).min(piece.len());
            self.prefix[self.have..self.have + taken].copy_from_slice(&piece[..taken]);
            self.have += taken;
            piece = &piece[taken..];
            if self.have == PREFIX {
                let [_, length @ ..] = self.prefix;
                let length = u32::from_be_bytes(length) as usize;
                if length > self.limit {
                    return Err(TooLarge);
                }
                (self.have, self.rest) = (0, length);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.extend(vec![7; length]);
        bytes
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut() {
        let body = [message(10), message(0), message(3), message(10)].concat();
        for size in 1..=body.len() {
            let mut meter = Meter::new(10);
            assert!(body.chunks(size).all(|piece| meter.pass(piece).is_ok()), "pieces of {size}");
        }
    }

    #[test]
    fn a_larger_message_is_found_by_the_last_byte_of_its_prefix() {
        let body = [message(10), message(11)].concat();
        for size in 1..=body.len() {
            let mut meter = Meter::new(10);
            let passed = body.chunks(size).take_while(|piece| meter.pass(piece).is_ok()).count();
            assert_eq!(passed, (message(10).len() + PREFIX - 1) / size, "pieces of {size}");
        }
        assert_eq!(Meter::new(10).pass(&[0, 255, 255, 255, 255]), Err(TooLarge));
    }
}
