//! One order: an account, a challenge, and the certificate.

use std::io;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, Key, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::{Challenges, failure::OrderError, files, server::AcmeServer};
use crate::gateway::config::AcmeConfig;

/// A new key and its certificates, as PEM.
pub(super) type Pem = Zeroizing<String>;

/// Obtains a certificate for one host, with a key of its own.
pub(super) async fn obtain(
    server: &AcmeServer,
    config: &AcmeConfig,
    host: &str,
    challenges: &Challenges,
) -> Result<Pem, OrderError> {
    let account = account(server, config).await?;
    let identifiers = [Identifier::Dns(host.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut open = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        // One that is still valid needs no challenge.
        if authorization.status == AuthorizationStatus::Pending {
            let mut challenge =
                authorization.challenge(ChallengeType::Http01).ok_or(Error::Unsupported("the challenge http-01"))?;
            open.push(challenges.open(&challenge.token, challenge.key_authorization().as_str()));
            challenge.set_ready().await?;
        }
    }
    if order.poll_ready(&RetryPolicy::new()).await? != OrderStatus::Ready {
        return Err(refusal(&mut order).await?.into());
    }
    let key = Zeroizing::new(order.finalize().await?);
    let chain = order.poll_certificate(&RetryPolicy::new()).await?;
    Ok(Zeroizing::new([key.as_str(), &chain].concat()))
}

/// The account of the key in the folder. The server is asked for it each time, so that an account which the server has lost, or
/// which another gateway has made, needs no care.
async fn account(server: &AcmeServer, config: &AcmeConfig) -> Result<Account, OrderError> {
    let (file, directory) = (config.folder.join(ACCOUNT_KEY), config.directory.clone());
    let builder = Account::builder_with_http(Box::new(server.clone()));
    let found = file.clone();
    if let Some(der) = spawn_blocking(move || files::read(&found)).await.map_err(io::Error::from)?? {
        let key = PrivatePkcs8KeyDer::from(&der[..]);
        let pair = (Key::from_pkcs8_der(key.clone_key())?, key.clone_key().into());
        return Ok(builder.create_from_key(pair, directory).await?.0);
    }
    let contact: Vec<_> = config.contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&new, directory, None).await?;
    let der = Zeroizing::new(credentials.private_key().secret_pkcs8_der().to_vec());
    spawn_blocking(move || files::replace(&file, &der)).await.map_err(io::Error::from)??;
    Ok(account)
}

/// The reason why the server did not accept the answer to a challenge. The order itself does not have it.
async fn refusal(order: &mut Order) -> Result<Error, Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let challenges = &authorization.refresh().await?.challenges;
        if let Some(problem) = challenges.iter().find_map(|challenge| challenge.error.clone()) {
            return Ok(Error::Api(problem));
        }
    }
    Ok(Error::Str("the reason of a refusal"))
}

/// The account's private key (PKCS #8, DER).
const ACCOUNT_KEY: &str = "account.key";
