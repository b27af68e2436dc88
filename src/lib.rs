//! Verified Truecaller phone identity for any app, at the edge.
//!
//! A [`Gate`] takes Truecaller's callback, refuses a callback that is not genuine, and fetches the profile from an allow-list
//! of endpoints. It then lets the request pass to the app, with verified identity headers and an [`Identity`] in its
//! extensions. From every other request, the gate strips the identity headers that the client sent.
//!
//! Use the gate through one of three edges: the tower [`layer`], the `pingora` module, or the `gateway` program.
//!
#![cfg_attr(feature = "client", doc = "```")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use axum::{Extension, Router, routing::post};
//! use truegate::{Gate, Identity, TruegateLayer, profile::ProfileClient};
//!
//! let client = ProfileClient::builder().build()?;
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, client).build();
//!
//! let greet = |identity: Option<Extension<Identity>>| async move {
//!     identity.map_or("no identity".to_owned(), |identity| identity.profile().phone.as_str().to_owned())
//! };
//! let app: Router = Router::new()
//!     .route("/truecaller/x7Kq2vNf9TzR4mWb6pLd", post(greet))
//!     .layer(TruegateLayer::new(gate));
//! # drop(app);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | for |
//! |---|---|
//! | `client` (default) | [`profile`]'s `ProfileClient`, on hyper |
//! | `assertion` | the module `assertion`: the identity as a signed token |
//! | `session` | the modules `session`, `access` and `store`: browser sessions |
//! | `redis` | `store`'s `RedisStore`, so that several gateways act as one |
//! | `pingora` | the module `pingora`; building it needs `cmake` |
//! | `simulator` | the module `simulator`: a fake Truecaller |
//! | `gateway` | the `truegate` program, with all of the above but `simulator` |
//! | `dev` | `gateway` and `simulator`; the program has the commands `simulate` and `demo` |
//!
//! The modules in the order of a request: [`callback`] → [`profile`] → [`Identity`] → [`headers`], driven by the [`gate`]. The
//! module `assertion` signs the identity, and `session` keeps it for the requests that follow. The module [`native`] is for users
//! of the site's own Android app.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(unreachable_pub)]
// Code that nobody uses is found with all features: each of them uses a part of what the edges share.
#![cfg_attr(not(feature = "gateway"), allow(dead_code, unused_imports))]

#[macro_use]
mod redacted;

#[cfg(feature = "session")]
pub mod access;
#[cfg(feature = "assertion")]
pub mod assertion;
#[cfg(any(feature = "client", feature = "session"))]
mod backoff;
pub mod callback;
pub mod cause;
pub mod clock;
mod closed_list;
#[cfg(all(any(test, fuzzing), feature = "session"))]
#[doc(hidden)]
#[path = "../fuzz/promises/mod.rs"]
pub mod fuzzing;
pub mod gate;
#[cfg(feature = "gateway")]
#[doc(hidden)]
pub mod gateway;
pub mod headers;
mod host;
mod identity;
mod json;
pub mod layer;
mod lease;
mod loopback;
pub mod native;
mod path;
#[cfg(feature = "pingora")]
pub mod pingora;
pub mod profile;
#[cfg(any(feature = "assertion", feature = "session"))]
mod random;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
#[cfg(feature = "session")]
pub mod store;
#[cfg(feature = "session")]
mod tasks;
#[cfg(any(feature = "client", feature = "redis"))]
mod tls;

pub use self::{
    gate::Gate,
    identity::{Identity, VerificationMethod},
    layer::TruegateLayer,
    lease::Lease,
};

#[cfg(all(doctest, feature = "pingora", feature = "client"))]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/tower.md")]
#[doc = include_str!("../docs/pingora.md")]
struct Pages;

#[cfg(all(doctest, feature = "session"))]
#[doc = include_str!("identity/doors.md")]
struct Doors;
