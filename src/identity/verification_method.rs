//! The ways in which Truecaller, or the site itself, verifies a phone number.

use crate::closed_list::closed_list;

closed_list! {
    /// How the phone number of an [`Identity`](crate::Identity) was verified. [`code`](Self::code) is the word that apps get, in the
    /// header of [`Field::Method`](crate::headers::Field::Method) and in the claim `amr` of assertions.
    pub enum VerificationMethod {
        /// By Truecaller's app, which the user opened from a web page on an Android phone.
        Web = "web",
        /// By Truecaller's app, through its SDK in the site's own Android app.
        App = "app",
        /// By a call of Truecaller's SDK in the site's own Android app, for a user without Truecaller's app. Truecaller tells the
        /// number and the country of such a user, and nothing else.
        MissedCall = "missed-call",
        /// By the site itself, such as by a code in an SMS. What is known of the user is what the site says.
        Site = "site",
    }
}
