//! Empty: see the package that depends on it.
