//! Names of things: does this key name a secret?
