//! Every word that the pages show, in every language.

use serde::Serialize;

use super::Language;

/// The words of one language; `{partner}` in them is the name of the site.
#[derive(Serialize)]
pub(super) struct Texts {
    login_heading: &'static str,
    lead: &'static str,
    button: &'static str,
    another_way: &'static str,
    no_script: &'static str,
    unavailable_heading: &'static str,
    unavailable_lead: &'static str,
    again: &'static str,
    states: States,
}

/// What each state of a login is told with, by the names that the script gives them.
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
    unavailable: &'static str,
    ready: &'static str,
}

impl Texts {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::Hi => &HINDI,
        }
    }
}

static ENGLISH: Texts = Texts {
    login_heading: "Log in to {partner}",
    lead: "The Truecaller app on this phone confirms your number. There is no password and no code.",
    button: "Continue with Truecaller",
    another_way: "Use another way",
    no_script: "This page needs JavaScript to hear from Truecaller.",
    unavailable_heading: "Truecaller login is not available now",
    unavailable_lead: "{partner} cannot start a login with Truecaller at the moment.",
    again: "Try again",
    states: States {
        pending: "Waiting for Truecaller…",
        opened: "Please confirm in the Truecaller app.",
        verified: "Your number is confirmed. One moment…",
        refused: "You did not agree. Here is another way…",
        another_number: "Here you can use another number…",
        failed: "Truecaller could not confirm your number. Here is another way…",
        expired: "That took too long. Here is another way…",
        no_app: "The Truecaller app did not open. Here is another way…",
        unavailable: "Truecaller login is not available now. Another try follows.",
        ready: "",
    },
};

static HINDI: Texts = Texts {
    login_heading: "{partner} में लॉग इन करें",
    lead: "इस फ़ोन का Truecaller ऐप आपके नंबर की पुष्टि करता है। न पासवर्ड चाहिए, न कोड।",
    button: "Truecaller से आगे बढ़ें",
    another_way: "कोई दूसरा तरीका चुनें",
    no_script: "Truecaller का जवाब पाने के लिए इस पेज को JavaScript चाहिए।",
    unavailable_heading: "Truecaller लॉगिन अभी उपलब्ध नहीं है",
    unavailable_lead: "{partner} अभी Truecaller से लॉगिन शुरू नहीं कर सकता।",
    again: "फिर से कोशिश करें",
    states: States {
        pending: "Truecaller का इंतज़ार है…",
        opened: "कृपया Truecaller ऐप में पुष्टि करें।",
        verified: "आपके नंबर की पुष्टि हो गई। एक क्षण…",
        refused: "आपने अनुमति नहीं दी। दूसरा तरीका खुल रहा है…",
        another_number: "यहाँ आप दूसरा नंबर इस्तेमाल कर सकते हैं…",
        failed: "Truecaller आपके नंबर की पुष्टि नहीं कर सका। दूसरा तरीका खुल रहा है…",
        expired: "बहुत समय लग गया। दूसरा तरीका खुल रहा है…",
        no_app: "Truecaller ऐप नहीं खुला। दूसरा तरीका खुल रहा है…",
        unavailable: "Truecaller लॉगिन अभी उपलब्ध नहीं है। फिर से कोशिश होगी।",
        ready: "",
    },
};
