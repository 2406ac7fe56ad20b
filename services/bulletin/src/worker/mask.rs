//! Phone numbers out of webhook bodies, before the body is kept: numbers rest in membership only. A receipt is matched by our own callback
//! data and the provider's message id, so nothing is lost that is needed.

use bytes::Bytes;

/// Members of the provider's JSON that hold a person's number.
const NUMBERS: [&[u8]; 4] = [b"recipient_id", b"wa_id", b"from", b"input"];

/// The body with every digit of a number replaced by `x`; the same length, still the same JSON.
pub(crate) fn mask(body: Bytes) -> Bytes {
    let mut masked = Vec::from(body);
    let mut at = 0;
    while let Some(quote) = masked[at..].iter().position(|byte| *byte == b'"').map(|found| at + found) {
        at = quote + 1;
        let Some(value) = value_of_number(&masked, at) else { continue };
        let end = masked[value..].iter().position(|byte| *byte == b'"').map_or(masked.len(), |found| value + found);
        for byte in &mut masked[value..end] {
            if byte.is_ascii_digit() {
                *byte = b'x';
            }
        }
        at = end;
    }
    Bytes::from(masked)
}

/// Where the text of a number begins, when the name at `at` is one of [`NUMBERS`] and a text follows.
fn value_of_number(body: &[u8], at: usize) -> Option<usize> {
    let name = NUMBERS.iter().find(|name| body[at..].starts_with(name) && body.get(at + name.len()) == Some(&b'"'))?;
    let mut next = at + name.len() + 1;
    for wanted in [b':', b'"'] {
        while body.get(next).is_some_and(u8::is_ascii_whitespace) {
            next += 1;
        }
        if body.get(next) != Some(&wanted) {
            return None;
        }
        next += 1;
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_all_else_stays() {
        let body = br#"{"statuses":[{"id":"wamid.19","timestamp":"1750","recipient_id":"911000000001","from" : "91 10","x":"from"}]}"#;
        let expected = r#"{"statuses":[{"id":"wamid.19","timestamp":"1750","recipient_id":"xxxxxxxxxxxx","from" : "xx xx","x":"from"}]}"#;
        assert_eq!(mask(Bytes::from_static(body)), expected.as_bytes());
    }

    #[test]
    fn what_is_cut_or_no_json_is_left_as_it_is() {
        for body in ["", "\"", "\"from", "\"from\"", "\"from\":", "\"from\":7", "from 91", "\"from\":{\"a\":\"1\"}"] {
            assert_eq!(mask(Bytes::from(body)), body.as_bytes(), "{body}");
        }
    }
}
