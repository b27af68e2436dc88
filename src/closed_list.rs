//! Enums that are also lists: for tables, metrics and tests that must not miss a variant.

/// Declares an enum, the list of its variants, and the stable word of each one.
///
/// All three come from the same rows, so a new variant is in `ALL` by itself, and so in every metric that counts by it.
/// `ALL` is a slice, so that its type does not change with its length. A derive (`strum`) would name the words after the
/// variants, and its traits would become a part of this crate's own interface.
///
/// Without words there is no `code`. Behind the words, the rows may have a status and a sentence, for an enum of refusals: then
/// there are `status` and `title`. A variant that holds more is in `ALL` once, with an example; `with pub(crate) ALL` behind the name hides the list of
/// an enum that has a better one.
macro_rules! closed_list {
    (
        $(#[$about:meta])*
        $vis:vis enum $list:ident $(with $all:vis ALL)? {
            $(
                $(#[$meaning:meta])*
                $name:ident
                $(($detail:ident))?
                $({ $($(#[$note:meta])* $field:ident: $type:ty = $example:expr,)+ })?
                $(= $code:literal $(=> $status:ident $title:literal)?)?,
            )+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $list {
            $($(#[$meaning])* $name $(($detail))? $({ $($(#[$note])* $field: $type,)+ })?,)+
        }

        $crate::closed_list::closed_list! {
            @all [$vis $(, $all)?] $list [$(Self::$name $(($detail::ALL[0]))? $({ $($field: $example,)+ })?,)+]
        }
        $crate::closed_list::closed_list! { @words $vis $list $($name $($code)?,)+ }
        $crate::closed_list::closed_list! { @answers $vis $list $($name $($($status $title)?)?,)+ }
    };

    (@all [$vis:vis] $list:ident $rows:tt) => {
        impl $list {
            /// Every variant, for tables and metrics. One that holds more is here once, with an example.
            $vis const ALL: &'static [Self] = &$rows;
        }
    };
    (@all [$vis:vis, $all:vis] $list:ident $rows:tt) => {
        $crate::closed_list::closed_list! { @all [$all] $list $rows }
    };

    (@words $vis:vis $list:ident $($name:ident $code:literal,)+) => {
        impl $list {
            /// The stable word for programs, metrics and logs.
            $vis fn code(self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)+ }
            }
        }
    };
    (@words $vis:vis $list:ident $($name:ident,)+) => {};

    (@answers $vis:vis $list:ident $($name:ident $status:ident $title:literal,)+) => {
        impl $list {
            /// The status of the answer.
            $vis fn status(self) -> http::StatusCode {
                match self { $(Self::$name { .. } => http::StatusCode::$status,)+ }
            }

            /// The sentence for people.
            $vis fn title(self) -> &'static str {
                match self { $(Self::$name { .. } => $title,)+ }
            }
        }
    };
    (@answers $vis:vis $list:ident $($name:ident,)+) => {};
}

pub(crate) use closed_list;
