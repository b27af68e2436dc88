//! The site's own Android app: a user whom Truecaller's SDK has verified there.
//!
//! The SDK gives the app a [`Credential`], which the app posts to truegate. A [`NativeSource`] asks Truecaller whose it is. The route
//! is a [`Native`], which plugs into a [`Gate`](crate::Gate) with [`GateBuilder::native`](crate::gate::GateBuilder::native).
//!
//! ```
//! use truegate::native::Credential;
//!
//! let body = br#"{"code":"Vn2hVzZ0CKhE","code_verifier":"wcFzcc9Rk7PLUg0JMmjEGhn8ydhJaL1kZ2cAXE8ra0c"}"#;
//! assert!(matches!(Credential::parse(body), Some(Credential::Code { .. })));
//! let body = br#"{"access_token":"IXnD8ZYqVXwAcyWTyLoO"}"#;
//! assert!(matches!(Credential::parse(body), Some(Credential::MissedCall(_))));
//! ```

#[cfg(feature = "client")]
mod client;
mod client_id;
mod credential;
mod plugin;
mod source;
pub(crate) mod token_answer;

#[cfg(feature = "client")]
pub use self::client::{NativeClient, NativeClientBuilder};
pub use self::{
    client_id::{ClientId, ClientIdError},
    credential::{AuthorizationCode, CodeVerifier, Credential, MissedCallToken},
    plugin::{Native, NativePathError},
    source::NativeSource,
};
pub use crate::path::NativePath;
