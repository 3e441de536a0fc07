//! Values beside a key.
