//! Every text that the pages show, in every language.

mod ar;
mod bn;
mod en;
mod hi;
mod kn;
mod ml;
mod mr;
mod pa;
mod sw;
mod ta;
mod te;
mod ur;

use serde::Serialize;

use super::Language;

/// The texts of one language; `{partner}` in them is the name of the site.
#[derive(Serialize)]
pub(super) struct Texts {
    login_heading: &'static str,
    lead: &'static str,
    button: &'static str,
    again: &'static str,
    anyway: &'static str,
    another_way: &'static str,
    log_in: &'static str,
    start: &'static str,
    no_script: &'static str,
    insecure: &'static str,
    open_secure: &'static str,
    logout_heading: &'static str,
    logout_lead: &'static str,
    log_out: &'static str,
    another_number: &'static str,
    refused_heading: &'static str,
    refused_lead: &'static str,
    ended_heading: &'static str,
    ended_lead: &'static str,
    unavailable_heading: &'static str,
    unavailable_lead: &'static str,
    unreachable_heading: &'static str,
    unreachable_lead: &'static str,
    busy_heading: &'static str,
    busy_lead: &'static str,
    wrong_heading: &'static str,
    wrong_lead: &'static str,
    states: States,
}

/// The text for each state of a login, by the names that the script gives the states.
#[derive(Serialize)]
struct States {
    pending: &'static str,
    opened: &'static str,
    verified: &'static str,
    refused: &'static str,
    another_number: &'static str,
    failed: &'static str,
    expired: &'static str,
    no_app: &'static str,
    wrong_device: &'static str,
    unavailable: &'static str,
    ready: &'static str,
}

impl Texts {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &en::TEXTS,
            Language::Hi => &hi::TEXTS,
            Language::Mr => &mr::TEXTS,
            Language::Te => &te::TEXTS,
            Language::Ml => &ml::TEXTS,
            Language::Ur => &ur::TEXTS,
            Language::Pa => &pa::TEXTS,
            Language::Ta => &ta::TEXTS,
            Language::Bn => &bn::TEXTS,
            Language::Kn => &kn::TEXTS,
            Language::Sw => &sw::TEXTS,
            Language::Ar => &ar::TEXTS,
        }
    }
}
