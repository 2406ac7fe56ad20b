//! `multipart/form-data`, as far as an upload needs it: the whole body is in memory already (an image has at most 5 MB).

use bytes::Bytes;

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Bytes,
}

/// Parts that a form may have.
const MAX_PARTS: usize = 16;

/// Reads a form; `None` when it is not one.
pub(crate) fn read(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))?;
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    // The first delimiter has no line before it.
    let mut at = body.starts_with(&delimiter.as_bytes()[2..]).then_some(delimiter.len() - 2)?;
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let start = at + rest.starts_with(b"\r\n").then_some(2)?;
        let head_length = find(&body[start..], b"\r\n\r\n")?;
        let content_start = start + head_length + 4;
        let content_length = find(&body[content_start..], delimiter.as_bytes())?;
        let head = std::str::from_utf8(&body[start..start + head_length]).ok()?;
        if parts.len() == MAX_PARTS {
            return None;
        }
        parts.push(part(head, body.slice(content_start..content_start + content_length))?);
        at = content_start + content_length + delimiter.len();
    }
}

fn part(head: &str, content: Bytes) -> Option<Part> {
    let mut name = None;
    let mut content_type = None;
    for line in head.split("\r\n") {
        let (field, value) = line.split_once(':')?;
        if field.eq_ignore_ascii_case("content-disposition") {
            name = parameter(value, "name");
        } else if field.eq_ignore_ascii_case("content-type") {
            content_type = Some(value.split(';').next().unwrap_or_default().trim().to_owned());
        }
    }
    Some(Part { name: name?, content_type, content })
}

/// The value of `name=value` or `name="value"` in a header's parameters.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(body: &[u8], text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    let mut from = 0;
    while let Some(found) = body[from..].iter().position(|byte| *byte == first) {
        let at = from + found;
        if body[at..].starts_with(text) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"x-1\"";

    #[test]
    fn a_form_is_read_with_its_bytes_as_they_were() {
        let body = Bytes::from_static(
            b"--x-1\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--x-1\r\n\
              content-disposition: form-data; name=file; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n\
              \x89PNG\r\n--x\r\n\r\n--x-1--\r\n",
        );
        let parts = read(KIND, &body).unwrap();
        assert_eq!((parts[0].name.as_str(), &parts[0].content[..]), ("messaging_product", b"whatsapp".as_slice()));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!((parts[1].name.as_str(), &parts[1].content[..]), ("file", b"\x89PNG\r\n--x\r\n".as_slice()));
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        let whole = Bytes::from_static(b"--x-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x-1--");
        assert!(read(KIND, &whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(read(KIND, &whole.slice(..length)).map(|parts| parts.len()), None, "cut at {length}");
        }
        for kind in
            ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/x; boundary=x-1"]
        {
            assert_eq!(read(kind, &whole), None, "{kind}");
        }
    }
}
