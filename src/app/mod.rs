//! One function per verb of the product: the only door to an installation.
