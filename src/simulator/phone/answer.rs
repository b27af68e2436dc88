//! What the user did with the dialog.

use serde_json::Value;

use super::html::pairs;
use crate::simulator::{Call, DOCUMENTED_PROFILE};

/// A button of the dialog that was tapped.
pub(super) struct Reaction {
    nonce: String,
    phone: String,
    button: Button,
}

enum Button {
    Agree,
    Refuse,
    Another,
}

impl Reaction {
    pub(super) fn parse(form: &str) -> Option<Self> {
        let mut fields = pairs(form);
        let mut take = |name: &str| {
            let place = fields.iter().position(|(known, _)| known == name)?;
            Some(fields.swap_remove(place).1)
        };
        let button = match take("answer")?.as_str() {
            "agree" => Button::Agree,
            "refuse" => Button::Refuse,
            "another" => Button::Another,
            _ => return None,
        };
        Some(Self { nonce: take("nonce")?, phone: take("phone")?, button })
    }

    /// What Truecaller posts then.
    pub(super) fn call(&self) -> Call {
        let call = match self.button {
            Button::Agree => Call::grant().profile(profile(&self.phone)),
            Button::Refuse => Call::refusal(),
            Button::Another => Call::another_number(),
        };
        call.request_id(&self.nonce)
    }
}

/// The documented profile with another number; with one other than its own, it is another user's.
///
/// The number goes in as it was typed but for white space and the plus, which Truecaller leaves out.
fn profile(phone: &str) -> String {
    let phone: String = phone.chars().filter(|character| !character.is_whitespace()).collect();
    let phone = phone.trim_start_matches('+');
    let documented = String::from_utf8_lossy(DOCUMENTED_PROFILE);
    if phone == DOCUMENTED_PHONE {
        return documented.into_owned();
    }
    let phone = Value::from(phone).to_string();
    [DOCUMENTED_PHONE, DOCUMENTED_USER_ID, DOCUMENTED_ID]
        .iter()
        .fold(documented.into_owned(), |text, known| text.replace(&format!("\"{known}\""), &phone))
}

/// The number of the documented profile.
pub(super) const DOCUMENTED_PHONE: &str = "919999999999";
const DOCUMENTED_USER_ID: &str = "1319413476";
const DOCUMENTED_ID: &str = "655574719";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_number_has_the_documented_profile() {
        for typed in ["919999999999", "+91 99999 99999"] {
            assert_eq!(profile(typed).as_bytes(), DOCUMENTED_PROFILE);
        }
    }

    #[test]
    fn another_number_is_another_users() {
        let profile = profile("+91 99999 00001");
        assert_eq!(profile.matches("\"919999900001\"").count(), 3);
        assert!(!profile.contains("\"919999999999\"") && !profile.contains("1319413476"), "{profile}");
    }

    #[test]
    fn whatever_is_typed_stays_one_string() {
        assert!(profile("\"], \"evil\": [\"").contains(r#""phoneNumbers": ["\"],\"evil\":[\""]"#));
    }

    #[test]
    fn only_a_form_of_the_page_is_an_answer() {
        for form in ["", "nonce=abcdefgh&phone=1", "answer=agree&phone=1", "nonce=abcdefgh&phone=1&answer=Agree"] {
            assert!(Reaction::parse(form).is_none(), "{form}");
        }
        assert!(Reaction::parse("nonce=abcdefgh&phone=1&answer=another").is_some());
    }
}
