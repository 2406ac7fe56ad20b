//! Pages by key: stable under concurrent changes, at the same cost for every page.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A request for a page that is not as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Negative.
    #[error("page_size must not be negative")]
    Size,
    /// Not a token, or a token of another request.
    #[error("page_token must be the next_page_token of the same request")]
    Token,
}

/// How many items a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(usize);

impl PageSize {
    /// 0 means 50; above 500 means 500.
    ///
    /// # Errors
    /// [`PageError::Size`] when negative.
    pub fn from_wire(size: i32) -> Result<Self, PageError> {
        match usize::try_from(size) {
            Err(_) => Err(PageError::Size),
            Ok(0) => Ok(Self(50)),
            Ok(size) => Ok(Self(size.min(500))),
        }
    }

    /// What to ask the database for: one more than the page, which tells whether another page follows.
    pub fn limit(self) -> u64 {
        self.0 as u64 + 1
    }
}

/// The key of the last item of the page before, bound to the request's filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken;

impl PageToken {
    /// The key in a token, `None` for the first page. `filter` is everything else in the request that selects items.
    ///
    /// # Errors
    /// [`PageError::Token`] when the token is not of a request with this filter.
    pub fn open(token: &str, filter: &impl Hash) -> Result<Option<String>, PageError> {
        if token.is_empty() {
            return Ok(None);
        }
        let (mark, key) = token.split_once('.').ok_or(PageError::Token)?;
        if mark != fingerprint(filter) {
            return Err(PageError::Token);
        }
        let bytes = (0..key.len())
            .step_by(2)
            .map(|at| key.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or(PageError::Token)?;
        String::from_utf8(bytes).map(Some).map_err(|_| PageError::Token)
    }

    /// The token for what comes after `key`.
    pub fn seal(key: &str, filter: &impl Hash) -> String {
        key.bytes().fold(format!("{}.", fingerprint(filter)), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        })
    }
}

/// `DefaultHasher::new` has fixed keys, so that a token survives a restart; it need not resist attackers: a forged token only skips
/// items of the caller's own listing.
fn fingerprint(filter: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    filter.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A page of items and the token of the next.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Empty on the last page.
    pub next_page_token: String,
}

impl<T> Page<T> {
    /// Cuts what was found for [`PageSize::limit`] to a page; `key` tells the key of an item.
    pub fn cut(mut found: Vec<T>, size: PageSize, filter: &impl Hash, key: impl Fn(&T) -> String) -> Self {
        let more = found.len() > size.0;
        found.truncate(size.0);
        let next_page_token = match found.last() {
            Some(last) if more => PageToken::seal(&key(last), filter),
            _ => String::new(),
        };
        Self { items: found, next_page_token }
    }

    /// The same page of other items.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_page_token: self.next_page_token }
    }
}
