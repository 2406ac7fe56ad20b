//! What is personal: a key for each member, sealed values, blind indexes, phone numbers.
//!
//! Every member has a data key of their own ([`DataKey`]), which seals their names, numbers and addresses (AES-256-GCM, bound to
//! table, column and row). The database keeps it *wrapped*: encrypted with the cell's key-encryption key, which has versions and
//! lies in a file outside the database ([`Keys`]). A rotation adds a version and wraps the data keys again ([`Vault::rewrap`]);
//! nothing that they sealed is touched. Whoever destroys the wrapped key of a member destroys all that it sealed.
//!
//! Identifiers are found by a *blind index* (HMAC-SHA-256 under an index key, apart for each [`IndexKind`]), by which the same
//! number in any spelling is found again.
//!
//! A phone number enters as somebody typed it and becomes a [`PhoneNumber`] under a [`NumberPlan`]. No error, `Debug` or `Display`
//! of this crate prints a number. Only [`PhoneNumber::expose`] does, so that a search for that word finds every place where a
//! number leaves its shell.
//!
//! ```
//! use senani_vault::{Context, Keys, NumberPlan, PhoneNumber, Vault};
//! use uuid::Uuid;
//!
//! let plan = NumberPlan { exercise: true };
//! let number = plan.normalise("० १०-६१२ ०००४२")?;
//! assert_eq!(number.masked(), "+91 ••••••0042");
//!
//! let vault = Vault::new(Keys::generate()?);
//! let member = Uuid::from_u128(7);
//! let (key, wrapped) = vault.new_key(member);
//! let place = Context::new("member_identifier", "value_sealed", member);
//! let sealed = key.seal(number.expose().as_bytes(), &place);
//!
//! let opened = vault.unwrap(member, &wrapped)?.open(&sealed, &place)?;
//! assert_eq!(PhoneNumber::from_e164(&opened), Some(number.clone()));
//! assert_eq!(vault.phone_index(&number), vault.phone_index(&plan.normalise("+91 1061 2000 42")?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this protects against, and what not
//!
//! There are about 4 × 10⁹ possible Indian mobile numbers, so a plain hash would be no protection, and whoever holds the
//! index key can enumerate them all in an hour or two. A stolen database alone tells which rows hold equal values of a kind, how
//! long sealed values are, and nothing else. A stolen key file alone tells nothing.

mod blind_index;
mod data_key;
mod digits;
mod key_file;
mod keys;
mod number_plan;
mod phone_number;
pub mod secret_file;
mod vault;

pub use blind_index::{BLIND_INDEX_LENGTH, BlindIndex, IndexKind};
pub use data_key::{Context, DataKey, OpenError, SEAL_OVERHEAD};
pub use keys::{Keys, KeysError};
pub use number_plan::{NumberError, NumberPlan};
pub use phone_number::PhoneNumber;
pub use vault::{Vault, WRAPPED_LENGTH, WrappedKey};
