//! What the site's server does once it has verified a number itself.

use std::net::SocketAddr;

use serde_json::json;

use super::raw::{Message, exchange};

/// The token of the admin listener.
pub const TOKEN: &str = "4fJk0mVt9sQeYxW2bNcR7uHd1zGpLa6o5iTqXr8vKyE=";

/// Finishes the login of a ticket with a number.
pub async fn finish(admin: SocketAddr, ticket: &str, phone: &str) -> Message {
    let body = json!({ "ticket": ticket, "phone": phone }).to_string();
    post(admin, &format!("Authorization: Bearer {TOKEN}\r\n"), &body).await
}

/// Posts to the admin listener, with header lines that end in CR LF.
pub async fn post(admin: SocketAddr, lines: &str, body: &str) -> Message {
    let length = body.len();
    let head = format!("POST /logins HTTP/1.1\r\nHost: truegate\r\n{lines}Content-Length: {length}\r\n\r\n");
    exchange(admin, head + body).await.expect("the admin listener answers")
}
