//! Policies by name.

/// The names that a policy's values have in a file: those of its variants.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident for $policy:ident { $($(#[$default:meta])? $variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        enum $name {
            $($(#[$default])? $variant),+
        }

        impl From<$name> for $policy {
            fn from(name: $name) -> Self {
                match name {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    )+};
}

pub(crate) use names;
