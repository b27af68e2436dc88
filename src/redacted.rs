//! `Debug` for types whose values must reach no log.

/// Implements `Debug` for types by their names alone: `PhoneNumber(redacted)`.
///
/// It is for secrets, for people's data, and for what holds either somewhere inside. A derive for this (`derive_more`,
/// `educe`) skips single fields, so a field that is added later shows itself.
macro_rules! redacted {
    ($($name:ident $(<$lifetime:lifetime>)?),+) => {
        $(
            impl std::fmt::Debug for $name $(<$lifetime>)? {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(concat!(stringify!($name), "(redacted)"))
                }
            }
        )+
    };
}
