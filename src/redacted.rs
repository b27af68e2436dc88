//! `Debug` for types whose values must reach no log.

/// Implements `Debug` for types by their names alone: `PhoneNumber(redacted)`.
///
/// It is for secrets, for people's data, and for types that hold either somewhere inside. A derive (`derive_more`, `educe`) would
/// skip single fields, so that a field which is added later is shown.
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
