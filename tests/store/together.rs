//! Promises about many gateways.

use std::collections::BTreeSet;

use bytes::Bytes;
use truegate::store::{Cursor, LoginState, WatchedLogin};

use crate::site::{LONG, Site, browser, login, owner, request_id};

/// A login is started at one gateway, called back at another, and waited for at a third. All hear of each logout.
pub async fn ten_gateways_act_as_one(site: fn(usize) -> Site) {
    let site = site(100);
    let gateways: Vec<_> = (0..10).map(|_| site.another()).collect();
    let browsers: Vec<_> = (0..10).map(|_| browser()).collect();
    let at = |number: usize| &gateways[number % 10];
    for (number, browser) in browsers.iter().enumerate() {
        let request_id = request_id(number);
        at(number).open(&request_id, browser, owner(&request_id), LONG).await.unwrap();
        let found = Some((request_id.clone(), "pending"));
        let waiting = [WatchedLogin { browser: browser.clone(), asked: None, found }];
        assert!(at(number + 2).moved(&waiting).await.unwrap().is_empty());

        let verified = LoginState::Verified(Bytes::from(number.to_string()));
        assert_eq!(at(number + 1).advance(&request_id, LoginState::Opened).await, Ok(true));
        assert_eq!(at(number + 4).advance(&request_id, verified.clone()).await, Ok(true));
        assert_eq!(at(number + 5).advance(&request_id, LoginState::Refused).await, Ok(false), "a login ends once");
        assert_eq!(at(number + 2).moved(&waiting).await.unwrap(), [0]);
        assert_eq!(at(number + 3).state(browser, None).await, Ok(login(&request_id, verified)));

        at(number + 6).revoke(Bytes::from(number.to_string()), LONG).await.unwrap();
    }
    for gateway in &gateways {
        let (revoked, _) = gateway.revocations(&Cursor::default()).await.unwrap();
        assert_eq!(revoked.len(), 10);
        assert_eq!(
            revoked.into_iter().collect::<BTreeSet<_>>(),
            (0..10).map(|number| number.to_string().into()).collect()
        );
    }
}
