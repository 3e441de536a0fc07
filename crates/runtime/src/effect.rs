//! What an operation does to the world, and how far that can be taken back.
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in policies, in the log and in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an operation does to one of its targets.
    Effect {
        /// Reads contents.
        Read = "read",
        /// Reads names or metadata.
        List = "list",
        /// Makes something that was not there.
        Create = "create",
        /// Changes contents.
        Modify = "modify",
        /// Removes.
        Delete = "delete",
        /// Gives another name.
        Move = "move",
        /// Changes mode, owner, times or attributes.
        Metadata = "metadata",
        /// Runs a program.
        Exec = "exec",
        /// Talks to another machine.
        Network = "network",
        /// Handles a secret.
        Secret = "secret",
        /// Changes what governs the agent.
        Config = "config",
    }
}

words! {
    /// How far an operation can be taken back.
    Reversibility {
        /// Undo restores bytes and metadata exactly.
        Exact = "exact",
        /// Undo restores what fits a limit.
        Bounded = "bounded",
        /// Something else can make up for it.
        Compensable = "compensable",
        /// It cannot be taken back.
        Irreversible = "irreversible",
    }
}

impl Effect {
    /// Whether the workspace is another afterwards.
    #[must_use]
    pub fn changes(self) -> bool {
        !matches!(self, Self::Read | Self::List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_serde_agree() {
        for e in Effect::ALL {
            assert_eq!(serde_json::to_value(e).unwrap(), e.as_str());
            assert_eq!(Effect::parse(e.as_str()), Some(*e));
        }
        for r in Reversibility::ALL {
            assert_eq!(serde_json::to_value(r).unwrap(), r.as_str());
        }
    }
}
