//! Enums that are also lists: for tables, metrics and tests that must not miss a variant.

/// Declares an enum, the list of its variants, and the stable word of each one.
///
/// All three come from the same rows, so a new variant is in `ALL` by itself, and so in every metric that counts by it.
/// `ALL` is a slice, so that its type does not change with its length. A derive (`strum`) would name the words after the
/// variants, and its traits would become a part of this crate's own interface.
///
/// The rows may leave the words out; then there is no `code`. A variant that holds more is in `ALL` once, with an example.
macro_rules! closed_list {
    (
        $(#[$about:meta])*
        $vis:vis enum $list:ident {
            $(
                $(#[$meaning:meta])*
                $name:ident
                $(($detail:ident))?
                $({ $($(#[$note:meta])* $field:ident: $type:ty = $example:expr,)+ })?
                = $code:literal,
            )+
        }
    ) => {
        $crate::closed_list::closed_list! {
            $(#[$about])*
            $vis enum $list {
                $($(#[$meaning])* $name $(($detail))? $({ $($(#[$note])* $field: $type = $example,)+ })?,)+
            }
        }

        impl $list {
            /// The stable word for programs, metrics and logs.
            $vis fn code(self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)+ }
            }
        }
    };
    (
        $(#[$about:meta])*
        $vis:vis enum $list:ident {
            $(
                $(#[$meaning:meta])*
                $name:ident
                $(($detail:ident))?
                $({ $($(#[$note:meta])* $field:ident: $type:ty = $example:expr,)+ })?,
            )+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $list {
            $($(#[$meaning])* $name $(($detail))? $({ $($(#[$note])* $field: $type,)+ })?,)+
        }

        impl $list {
            /// Every variant, for tables and metrics. One that holds more is here once, with an example.
            $vis const ALL: &'static [Self] =
                &[$(Self::$name $(($detail::ALL[0]))? $({ $($field: $example,)+ })?,)+];
        }
    };
}

pub(crate) use closed_list;
