//! Sessions: a login that truegate starts itself, and the browser that is known from then on.
//!
//! ```
//! use truegate::session::{PublicUrl, ReturnPath};
//!
//! let site = PublicUrl::parse("https://Shop.example:443")?;
//! assert_eq!(site.origin(), "https://shop.example");
//!
//! assert_eq!(ReturnPath::or_root(Some("/cart?item=7")).as_str(), "/cart?item=7");
//! assert_eq!(ReturnPath::or_root(Some("//evil.example")).as_str(), "/");
//! # Ok::<_, truegate::session::PublicUrlError>(())
//! ```

pub mod cookies;
pub(crate) mod epoch;
mod id;
mod link;
mod logout_url;
pub mod page;
mod partner;
mod public_url;
mod return_path;
mod seal;
mod secret;
mod ticket;

pub use self::{
    id::BrowserId,
    link::{DeepLinks, LinkBase, LinkBaseError},
    logout_url::LogoutUrl,
    partner::{Color, DialogOption, Partner, PartnerError},
    public_url::{PublicUrl, PublicUrlError},
    return_path::ReturnPath,
    seal::Sealer,
    secret::{Secret, SecretError},
};
pub(crate) use self::{
    id::{SessionId, nonce, random_text},
    seal::Purpose,
    ticket::Session,
};
