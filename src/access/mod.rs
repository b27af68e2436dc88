//! Access: which paths need an identity, and whose.

mod allow;
mod phones_file;
mod prefix;

pub use self::{
    allow::{AllowList, Guest},
    phones_file::{PhonesFile, PhonesFileError, Refresh},
    prefix::{PhonePrefix, PhonePrefixError},
};
