//! What sessions promise, by a manual clock and without any socket.

mod admission;
mod auth;
mod browser;
mod callbacks;
mod feed;
mod hosts;
mod leases;
mod logins;
mod native;
mod opened;
mod outages;
mod pages;
mod queue;
mod redirects;
mod revocations;
mod shared_store;
mod site;
mod site_logins;
mod tokens;
mod truecaller;
mod user_end;
mod waiting;
