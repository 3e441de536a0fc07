//! Brings files back exactly: stages, applies, undoes and recovers every change of a workspace.
