//! Opens what lies beneath a root folder, and nothing else.
