//! Phone numbers: normalise, encrypt, blind index, mask.
//!
//! A phone number enters as somebody typed it, becomes a [`PhoneNumber`] under a [`NumberPlan`], and is kept only as the
//! two values that a [`Vault`] makes of it: the *sealed* number (AES-256-GCM, bound to its table, column and row) and the
//! *blind index* (HMAC-SHA-256 under a second key), by which the same number in any spelling is found again.
//!
//! No error, `Debug` or `Display` of this crate prints a number. Only [`PhoneNumber::expose`] does, so that a search for
//! that word finds every place where a number leaves its shell.
//!
//! ```
//! use senani_vault::{Context, Keys, NumberPlan, Vault};
//! use uuid::Uuid;
//!
//! let plan = NumberPlan { exercise: true };
//! let number = plan.normalise("० १०-६१२ ०००४२")?;
//! assert_eq!(number.masked(), "+91 ••••••0042");
//!
//! let vault = Vault::new(Keys::generate()?);
//! let place = Context::new("members", "phone_sealed", Uuid::from_u128(7));
//! let sealed = vault.seal(&number, &place);
//! assert_eq!(vault.open(&sealed, &place)?, number);
//! assert_eq!(vault.blind_index(&number), vault.blind_index(&plan.normalise("+91 1061 2000 42")?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this protects against, and what not
//!
//! There are about 4 × 10⁹ possible Indian mobile numbers, so a plain hash would be no protection, and whoever holds the
//! index key can enumerate them all in an hour or two. The keys therefore lie in a file outside the database
//! ([`Keys::open_or_create`]). A stolen database alone tells which rows hold equal numbers, and nothing else.

mod digits;
mod key_file;
mod keys;
mod number_plan;
mod phone_number;
mod vault;

pub use keys::{Keys, KeysError};
pub use number_plan::{NumberError, NumberPlan};
pub use phone_number::PhoneNumber;
pub use vault::{Context, OpenError, SEALED_LENGTH, Vault};
