//! What of a profile a session has to remember.

use crate::{
    headers::{Field, HeaderNames},
    profile::Profile,
};

/// A profile with what headers, assertions and `me` say of it, and no more.
pub(super) fn needed(profile: &Profile, names: &HeaderNames) -> Profile {
    let keep = |field, text: &Option<String>| text.clone().filter(|_| names.carries(field));
    Profile {
        email: keep(Field::Email, &profile.email),
        city: keep(Field::City, &profile.city),
        street: keep(Field::Street, &profile.street),
        zipcode: keep(Field::Zipcode, &profile.zipcode),
        gender: keep(Field::Gender, &profile.gender),
        avatar_url: keep(Field::AvatarUrl, &profile.avatar_url),
        company: keep(Field::Company, &profile.company),
        job_title: keep(Field::JobTitle, &profile.job_title),
        badges: if names.carries(Field::Badges) { profile.badges.clone() } else { Vec::new() },
        about: keep(Field::About, &profile.about),
        created_at: keep(Field::CreatedAt, &profile.created_at),
        json: String::new(),
        ..profile.clone()
    }
}
