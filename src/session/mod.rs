//! Sessions: a login that truegate starts itself, and the browser that is known from then on.
//!
//! ```
//! use truegate::session::PublicUrl;
//!
//! let site = PublicUrl::parse("https://Shop.example:443")?;
//! assert_eq!(site.origin(), "https://shop.example");
//! # Ok::<_, truegate::session::PublicUrlError>(())
//! ```

pub mod cookie;
mod id;
mod link;
pub mod page;
mod partner;
mod public_url;
mod seal;
mod secret;
mod ticket;

pub(crate) use self::id::nonce;
pub use self::{
    id::{BrowserId, SessionId},
    link::{DeepLinks, LinkBase, LinkBaseError},
    partner::{
        ButtonShape, Color, CtaPrefix, Lang, LoginPrefix, LoginSuffix, PageUrl, Partner, PartnerError, SkipOption,
    },
    public_url::{PublicUrl, PublicUrlError},
    seal::{Purpose, Sealer},
    secret::{Secret, SecretError},
    ticket::Session,
};
