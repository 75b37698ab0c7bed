//! Words from a closed list: an enum whose values each have one stable name, on the wire, in the store and in packs.
//!
//! Invariant: a name that is not in the list is refused, never taken for the nearest one.

/// Declares an enum with a stable name for each value: `ALL`, `name`, `from_name`, and serde by that name.
///
/// ```
/// vitals::named! {
///     /// An answer.
///     Answer {
///         /// Yes.
///         Yes = "yes",
///         /// No.
///         No = "no",
///     }
/// }
/// assert_eq!(Answer::from_name("yes"), Some(Answer::Yes));
/// assert_eq!(Answer::from_name("Yes"), None);
/// ```
#[macro_export]
macro_rules! named {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$value_doc:meta])* $value:ident = $text:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            /// The value of a stable name; no other spelling is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$value),)+
                    _ => None,
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    serde::de::Error::custom(concat!("read a ", stringify!($name), ": not one of its stable names"))
                })
            }
        }
    };
}

pub(crate) use crate::named;
