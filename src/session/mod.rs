//! Sessions: a login that truegate starts itself, and the browser that is known from then on.

pub mod cookie;
mod id;
mod link;
pub mod page;
mod partner;
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
    seal::{Purpose, Sealer},
    secret::{Secret, SecretError},
    ticket::Session,
};
